/* Convolutions of wider kernels, strides, pads or groups: windows are laid out as rows, then multiplied. */

struct window {
    int32_t height, width, channels; /* of the input, [H, W, C] */
    int32_t out_height, out_width;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t top, left; /* pads */
};

/* One window of `depth` channels from x on, kernel_height · kernel_width · depth bytes; outside the image is `zero`. */
static void lay_out(const struct window *at, const int8_t *x, int32_t depth, int8_t zero, int32_t i, int32_t j,
                    int8_t *into)
{
    for (int32_t ky = 0; ky < at->kernel_height; ky++) {
        int32_t y = i * at->stride_height - at->top + ky * at->dilation_height;
        for (int32_t kx = 0; kx < at->kernel_width; kx++, into += depth) {
            int32_t column = j * at->stride_width - at->left + kx * at->dilation_width;
            if (y < 0 || y >= at->height || column < 0 || column >= at->width) {
                memset(into, zero, (size_type)depth);
                continue;
            }
            const int8_t *from = x + (y * at->width + column) * at->channels;
            for (int32_t c = 0; c < depth; c++)
                into[c] = from[c];
        }
    }
}

/* layers: one a group. depth: channels of the input in each. scratch: `many` rows of the depth up to a multiple of 8. */
KERNEL void conv(const struct dense *layers, int32_t groups, int32_t depth, const struct window *at,
                 const int8_t *x, int8_t zero, int8_t *scratch, int32_t many, int8_t *out)
{
    int32_t pixels = at->out_height * at->out_width;
    int32_t stride = (layers->depth + 7) & ~7, channels = layers->channels;
    for (int32_t g = 0; g < groups; g++) {
        int32_t i = 0, j = 0;
        for (int32_t m = 0; m < pixels; m += many) {
            int32_t rows = pixels - m < many ? pixels - m : many;
            for (int32_t r = 0; r < rows; r++) {
                lay_out(at, x + g * depth, depth, zero, i, j, scratch + r * stride);
                if (++j == at->out_width) {
                    j = 0;
                    i++;
                }
            }
            dense_rows(layers + g, scratch, rows, stride, out + m * groups * channels + g * channels,
                       groups * channels);
        }
    }
}
