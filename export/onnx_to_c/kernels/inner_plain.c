/* The two inner loops for any processor. Others have the same with their own instructions, and the same sums.

   block: sums of four rows of x by four channels of weights, [depth / 8][4][8], from the biases on. into: [4][4].
   struct lanes: the sums of LANES neighbouring channels; tap adds one product to each.
   UNROLLED: whether taps of the usual kernels are written out. */

#if !defined(INNER_LOOPS)

static void block(const int8_t *const x[4], const int8_t *w, int32_t depth, const int32_t *bias, int32_t *into)
{
    int32_t sum[4][4];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            sum[i][j] = bias[j];
    for (int32_t k = 0; k < depth; k += 8, w += 32)
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) {
                int32_t products = 0;
                for (int l = 0; l < 8; l++)
                    products += x[i][k + l] * w[8 * j + l];
                sum[i][j] += products;
            }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            into[4 * i + j] = sum[i][j];
}

enum { LANES = 8, UNROLLED = 1 };

struct lanes {
    int32_t sum[8];
};

static inline struct lanes lanes_from(const int32_t *bias)
{
    struct lanes sums;
    for (int l = 0; l < 8; l++)
        sums.sum[l] = bias[l];
    return sums;
}

static inline void tap(struct lanes *sums, const int8_t *x, const int8_t *w)
{
    for (int l = 0; l < 8; l++)
        sums->sum[l] += x[l] * w[l];
}

static inline void lanes_to(int32_t *into, struct lanes sums)
{
    for (int l = 0; l < 8; l++)
        into[l] = sums.sum[l];
}

#endif
