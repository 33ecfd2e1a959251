/* Sums and products of two tensors of codes, and functions of one code by table. */

/* sizes: of the output, in the order in which it lies. left, right: bytes from one to the next; 0 repeats. */
struct pair {
    int32_t sizes[4], left[4], right[4];
    int32_t left_zero, right_zero;
    float left_scale, right_scale; /* s_left / s_out, s_right / s_out; of a product, left_scale is s_l · s_r / s_out */
    struct grid grid;
};

static inline void pairwise(const struct pair *layer, const int8_t *x, const int8_t *y, int8_t *out, int product)
{
    const int32_t *size = layer->sizes, *l = layer->left, *r = layer->right;
    float left_scale = layer->left_scale, right_scale = layer->right_scale;
    for (int32_t i = 0; i < size[0]; i++)
        for (int32_t j = 0; j < size[1]; j++)
            for (int32_t k = 0; k < size[2]; k++) {
                const int8_t *left = x + i * l[0] + j * l[1] + k * l[2];
                const int8_t *right = y + i * r[0] + j * r[1] + k * r[2];
                for (int32_t m = 0; m < size[3]; m++) {
                    int32_t one = left[m * l[3]] - layer->left_zero, two = right[m * r[3]] - layer->right_zero;
                    float value = product ? (float)(one * two) * left_scale
                                          : (float)one * left_scale + (float)two * right_scale;
                    out[m] = code_of(value, layer->grid);
                }
                out += size[3];
            }
}

KERNEL void add(const struct pair *layer, const int8_t *x, const int8_t *y, int8_t *out)
{
    pairwise(layer, x, y, out, 0);
}

KERNEL void mul(const struct pair *layer, const int8_t *x, const int8_t *y, int8_t *out)
{
    pairwise(layer, x, y, out, 1);
}

/* table: the result of each code, from −128 on. */
KERNEL void look_up(const int8_t *table, const int8_t *x, int32_t count, int8_t *out)
{
    for (int32_t i = 0; i < count; i++)
        out[i] = table[x[i] + 128];
}
