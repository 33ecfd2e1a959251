/* Softmax over one axis: powers by table, their sum in float. */

/* outer, size, inner: sizes before, of and after the axis, in the order in which codes lie. powers[d]: e to the power
   of −d steps. one: 1 / s_out. */
KERNEL void softmax(const float *powers, float one, const struct grid *grid, int32_t outer, int32_t size,
                    int32_t inner, const int8_t *x, int8_t *out)
{
    for (int32_t o = 0; o < outer; o++, x += size * inner, out += size * inner)
        for (int32_t i = 0; i < inner; i++) {
            int32_t most = -128;
            float sum = 0.0f;
            for (int32_t k = 0; k < size; k++)
                most = x[k * inner + i] > most ? x[k * inner + i] : most;
            for (int32_t k = 0; k < size; k++)
                sum += powers[most - x[k * inner + i]];
            for (int32_t k = 0; k < size; k++)
                out[k * inner + i] = code_of(powers[most - x[k * inner + i]] / sum * one, *grid);
        }
}
