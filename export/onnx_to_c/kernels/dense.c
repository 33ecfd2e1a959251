/* Matrix product of codes: pointwise convolutions, fully connected layers, and others once their windows lie in rows. */

struct dense {
    const int8_t *weights; /* [channels up to a multiple of 4][depth up to a multiple of 8], 0 where there are none */
    const int32_t *bias;   /* − zero point · sum of weights is in it */
    const float *scale;    /* s_in · s_w / s_out */
    int32_t depth, channels;
    struct grid grid;
};

#define PRODUCTS(row) \
    sum[4 * row] += x[row][k] * w[k]; \
    sum[4 * row + 1] += x[row][k] * w[depth + k]; \
    sum[4 * row + 2] += x[row][k] * w[2 * depth + k]; \
    sum[4 * row + 3] += x[row][k] * w[3 * depth + k];

/* Four rows by four channels; the sums begin at the biases. */
static void block(const int8_t *const x[4], const int8_t *w, int32_t depth, const int32_t *bias, int32_t *into)
{
    int32_t sum[16];
    for (int i = 0; i < 16; i++)
        sum[i] = bias[i & 3];
    for (int32_t k = 0; k < depth; k++) {
        PRODUCTS(0)
        PRODUCTS(1)
        PRODUCTS(2)
        PRODUCTS(3)
    }
    for (int i = 0; i < 16; i++)
        into[i] = sum[i];
}

/* rows: rows of x, `stride` bytes apart. out: rows of `out_stride` bytes. What lies in a row behind its depth is
   multiplied by 0. */
static void dense_rows(const struct dense *layer, const int8_t *x, int32_t rows, int32_t stride, int8_t *out,
                       int32_t out_stride)
{
    int32_t depth = (layer->depth + 7) & ~7;
    for (int32_t n = 0; n < layer->channels; n += 4) {
        const int8_t *w = layer->weights + n * depth;
        int32_t left = layer->channels - n < 4 ? layer->channels - n : 4;
        for (int32_t m = 0; m < rows; m += 4) {
            const int8_t *row[4];
            int32_t sum[16];
            int32_t height = rows - m < 4 ? rows - m : 4;
            for (int32_t i = 0; i < 4; i++)
                row[i] = x + (m + (i < height ? i : 0)) * stride;
            block(row, w, depth, layer->bias + n, sum);
            for (int32_t i = 0; i < height; i++)
                for (int32_t j = 0; j < left; j++)
                    out[(m + i) * out_stride + n + j] =
                        code_of((float)sum[4 * i + j] * layer->scale[n + j], layer->grid);
        }
    }
}

/* many: rows that are multiplied by all weights before the next, see dense.py. */
static void dense(const struct dense *layer, const int8_t *x, int32_t rows, int32_t stride, int32_t many, int8_t *out,
                  int32_t out_stride)
{
    for (int32_t m = 0; m < rows; m += many)
        dense_rows(layer, x + m * stride, rows - m < many ? rows - m : many, stride, out + m * out_stride, out_stride);
}
