/* Depthwise convolutions: the rows under the kernel, with their pads, lie in a ring; one filter a channel. */

struct depthwise {
    const int8_t *weights; /* [kernel height][kernel width][channels up to a multiple of 8] */
    const int32_t *bias;   /* − zero point · sum of weights is in it */
    const float *scale;    /* s_in · s_w / s_out */
    int32_t channels, multiplier; /* channels: of the output */
    int8_t zero;
    struct grid grid;
    struct window at;
};

enum { PADDED = 8, MOST_ROWS = 16 };

/* Row y of the image with its pads, each channel `multiplier` times. */
static void pad_row(const struct depthwise *layer, const int8_t *x, int32_t y, int32_t width, int8_t *into)
{
    const struct window *at = &layer->at;
    int32_t channels = layer->channels, inside = width - at->left;
    if (y < 0 || y >= at->height) {
        memset(into, layer->zero, (size_type)(width * channels));
        return;
    }
    inside = inside < at->width ? inside : at->width;
    memset(into, layer->zero, (size_type)(at->left * channels));
    into += at->left * channels;
    x += y * at->width * at->channels;
    if (layer->multiplier == 1) {
        memcpy(into, x, (size_type)(inside * channels));
    } else {
        for (int32_t c = 0; c < inside * at->channels; c++)
            for (int32_t m = 0; m < layer->multiplier; m++)
                into[c * layer->multiplier + m] = x[c];
    }
    memset(into + inside * channels, layer->zero, (size_type)((width - at->left - inside) * channels));
}

/* height, width: of the kernel; constants where it is a usual one, so that no loop is left of its taps. */
static inline __attribute__((always_inline)) void depthwise_row(const struct depthwise *layer,
                                                                const int8_t *const *rows, int32_t height,
                                                                int32_t width, int8_t *restrict out)
{
    int32_t channels = layer->channels, wide = (channels + PADDED - 1) & -PADDED, columns = layer->at.out_width;
    int32_t next = layer->at.dilation_width * channels, stride = layer->at.stride_width * channels;
    const struct grid grid = layer->grid;
    const float *scale = layer->scale;
    const int32_t *bias = layer->bias;
    for (int32_t j = 0; j < columns; j++, out += channels)
        for (int32_t c = 0; c < channels; c += LANES) {
            int32_t sum[LANES];
            const int8_t *w = layer->weights + c;
            struct lanes sums = lanes_from(bias + c);
            for (int32_t ky = 0; ky < height; ky++) {
                const int8_t *x = rows[ky] + j * stride + c;
                for (int32_t kx = 0; kx < width; kx++, w += wide, x += next)
                    tap(&sums, x, w);
            }
            lanes_to(sum, sums);
            give(sum, scale + c, grid, channels - c, LANES, out + c);
        }
}

/* at: below twice `size`. */
static inline int32_t around(int32_t at, int32_t size)
{
    return at < size ? at : at - size;
}

/* ring: as many rows as the dilated kernel is high, each `width` pixels of the output's channels. */
KERNEL void depthwise(const struct depthwise *layer, const int8_t *x, int8_t *ring, int32_t width, int8_t *out)
{
    const struct window *at = &layer->at;
    int32_t high = (at->kernel_height - 1) * at->dilation_height + 1, row = width * layer->channels;
    /* The ring's oldest row is number `start` and row `top` of the image; `filled` rows from there on are in it. */
    int32_t start = 0, top = -at->top, filled = 0;
    for (int32_t i = 0; i < at->out_height; i++, out += at->out_width * layer->channels) {
        const int8_t *rows[MOST_ROWS];
        for (; filled < high; filled++)
            pad_row(layer, x, top + filled, width, ring + around(start + filled, high) * row);
        for (int32_t ky = 0; ky < at->kernel_height; ky++)
            rows[ky] = ring + around(start + ky * at->dilation_height, high) * row;
        top += at->stride_height;
        filled = filled > at->stride_height ? filled - at->stride_height : 0;
        start = filled ? around(start + at->stride_height, high) : 0;
        if (UNROLLED && at->kernel_height == 3 && at->kernel_width == 3)
            depthwise_row(layer, rows, 3, 3, out);
        else if (UNROLLED && at->kernel_height == 5 && at->kernel_width == 5)
            depthwise_row(layer, rows, 5, 5, out);
        else
            depthwise_row(layer, rows, at->kernel_height, at->kernel_width, out);
    }
}
