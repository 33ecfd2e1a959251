/* What only moves codes: transposing, slicing, joining, padding. */

/* sizes: of what is moved. from, into: steps in elements along each axis. */
struct move {
    int32_t sizes[6], from[6], into[6];
};

KERNEL void move(const struct move *how, const int8_t *x, int8_t *out)
{
    const int32_t *size = how->sizes, *from = how->from, *into = how->into;
    for (int32_t a = 0; a < size[0]; a++)
        for (int32_t b = 0; b < size[1]; b++)
            for (int32_t c = 0; c < size[2]; c++)
                for (int32_t d = 0; d < size[3]; d++)
                    for (int32_t e = 0; e < size[4]; e++) {
                        const int8_t *source = x + a * from[0] + b * from[1] + c * from[2] + d * from[3] + e * from[4];
                        int8_t *to = out + a * into[0] + b * into[1] + c * into[2] + d * into[3] + e * into[4];
                        for (int32_t f = 0; f < size[5]; f++)
                            to[f * into[5]] = source[f * from[5]];
                    }
}
