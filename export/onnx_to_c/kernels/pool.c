/* Pools: each window's greatest code or mean. */

KERNEL void max_pool(const struct window *at, const struct grid *grid, const int8_t *x, int8_t *out)
{
    int32_t channels = at->channels;
    int8_t lowest = (int8_t)(grid->lowest + grid->shift), highest = (int8_t)(grid->highest + grid->shift);
    for (int32_t i = 0; i < at->out_height; i++)
        for (int32_t j = 0; j < at->out_width; j++, out += channels) {
            memset(out, lowest, (size_type)channels);
            for (int32_t ky = 0; ky < at->kernel_height; ky++)
                for (int32_t kx = 0; kx < at->kernel_width; kx++) {
                    int32_t y = i * at->stride_height - at->top + ky * at->dilation_height;
                    int32_t column = j * at->stride_width - at->left + kx * at->dilation_width;
                    if (y < 0 || y >= at->height || column < 0 || column >= at->width)
                        continue;
                    const int8_t *from = x + (y * at->width + column) * channels;
                    for (int32_t c = 0; c < channels; c++)
                        out[c] = from[c] > out[c] ? from[c] : out[c];
                }
            for (int32_t c = 0; c < channels; c++)
                out[c] = out[c] < highest ? out[c] : highest;
        }
}

/* scale: s_in / s_out. count: what a sum is divided by; 0 takes the pixels inside the image. sums: one a channel. */
KERNEL void average_pool(const struct window *at, const struct grid *grid, float scale, int32_t count, int32_t zero,
                         const int8_t *x, int32_t *sums, int8_t *out)
{
    int32_t channels = at->channels;
    for (int32_t i = 0; i < at->out_height; i++)
        for (int32_t j = 0; j < at->out_width; j++, out += channels) {
            int32_t inside = 0;
            for (int32_t c = 0; c < channels; c++)
                sums[c] = 0;
            for (int32_t ky = 0; ky < at->kernel_height; ky++)
                for (int32_t kx = 0; kx < at->kernel_width; kx++) {
                    int32_t y = i * at->stride_height - at->top + ky * at->dilation_height;
                    int32_t column = j * at->stride_width - at->left + kx * at->dilation_width;
                    if (y < 0 || y >= at->height || column < 0 || column >= at->width)
                        continue;
                    const int8_t *from = x + (y * at->width + column) * channels;
                    inside++;
                    for (int32_t c = 0; c < channels; c++)
                        sums[c] += from[c];
                }
            float each = scale / (float)(count ? count : inside);
            for (int32_t c = 0; c < channels; c++)
                out[c] = code_of((float)(sums[c] - inside * zero) * each, *grid);
        }
}
