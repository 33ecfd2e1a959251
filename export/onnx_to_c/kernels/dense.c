/* Matrix product of codes: pointwise convolutions, fully connected layers, and others once their windows lie in rows. */

struct dense {
    const int8_t *weights; /* [channels / 4][depth / 8][4][8], both rounded up, 0 where there are none */
    const int32_t *bias;   /* − zero point · sum of weights is in it */
    const float *scale;    /* s_in · s_w / s_out */
    int32_t depth, channels;
    struct grid grid;
};

/* rows: rows of x, `stride` bytes apart. out: rows of `out_stride` bytes. What lies in a row behind its depth is
   multiplied by 0. */
KERNEL void dense_rows(const struct dense *layer, const int8_t *x, int32_t rows, int32_t stride, int8_t *restrict out,
                       int32_t out_stride)
{
    int32_t depth = (layer->depth + 7) & ~7, channels = layer->channels;
    const struct grid grid = layer->grid;
    for (int32_t n = 0; n < channels; n += 4) {
        const int8_t *w = layer->weights + n * depth;
        const int32_t *bias = layer->bias + n;
        const float *scale = layer->scale + n;
        for (int32_t m = 0; m < rows; m += 4) {
            const int8_t *row[4];
            int32_t sum[16];
            int32_t height = rows - m < 4 ? rows - m : 4;
            for (int32_t i = 0; i < 4; i++)
                row[i] = x + (m + (i < height ? i : 0)) * stride;
            block(row, w, depth, bias, sum);
            for (int32_t i = 0; i < height; i++)
                give(sum + 4 * i, scale, grid, channels - n, 4, out + (m + i) * out_stride + n);
        }
    }
}

/* many: rows that are multiplied by all weights before the next, see dense.py. */
KERNEL void dense(const struct dense *layer, const int8_t *x, int32_t rows, int32_t stride, int32_t many, int8_t *out,
                  int32_t out_stride)
{
    for (int32_t m = 0; m < rows; m += many)
        dense_rows(layer, x + m * stride, rows - m < many ? rows - m : many, stride, out + m * out_stride, out_stride);
}
