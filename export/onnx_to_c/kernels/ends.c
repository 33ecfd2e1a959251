/* Where real numbers come in and go out. Channels lie second outside and last inside. */

/* x: [channels][pixels] float32. out: [pixels][channels] codes. */
KERNEL void quantize(const float *x, int32_t channels, int32_t pixels, float scale, const struct grid *grid,
                     int8_t *out)
{
    for (int32_t c = 0; c < channels; c++)
        for (int32_t p = 0; p < pixels; p++)
            out[p * channels + c] = code_of(*x++ / scale, *grid);
}

/* x: [pixels][channels] codes. out: [channels][pixels] float32. */
KERNEL void dequantize(const int8_t *x, int32_t channels, int32_t pixels, float scale, int32_t zero, float *out)
{
    for (int32_t c = 0; c < channels; c++)
        for (int32_t p = 0; p < pixels; p++)
            *out++ = (float)(x[p * channels + c] - zero) * scale;
}
