/* The two inner loops where there are vectors of ARM (NEON): see inner_plain.c. */

#if defined(__ARM_NEON)
#define INNER_LOOPS

/* Eight products at a time: no int8 · int8 is too large for int16, and pairs are added into int32. */
#if defined(__aarch64__)
enum { ROWS_AT_ONCE = 4 };
#else
enum { ROWS_AT_ONCE = 2 }; /* it has half the registers */
#endif

static inline __attribute__((always_inline)) void rows_by_four(const int8_t *const *x, const int8_t *w, int32_t depth,
                                                               const int32_t *bias, int32_t *into)
{
    int32x4_t sum[ROWS_AT_ONCE][4];
    for (int i = 0; i < ROWS_AT_ONCE; i++)
        for (int j = 0; j < 4; j++)
            sum[i][j] = vdupq_n_s32(0);
    for (int32_t k = 0; k < depth; k += 8, w += 32) {
        int8x8_t right[4];
        for (int j = 0; j < 4; j++)
            right[j] = vld1_s8(w + 8 * j);
        for (int i = 0; i < ROWS_AT_ONCE; i++) {
            int8x8_t left = vld1_s8(x[i] + k);
            for (int j = 0; j < 4; j++)
                sum[i][j] = vpadalq_s16(sum[i][j], vmull_s8(left, right[j]));
        }
    }
    int32x4_t first = vld1q_s32(bias);
    for (int i = 0; i < ROWS_AT_ONCE; i++) {
        int32x2_t low = vpadd_s32(vpadd_s32(vget_low_s32(sum[i][0]), vget_high_s32(sum[i][0])),
                                  vpadd_s32(vget_low_s32(sum[i][1]), vget_high_s32(sum[i][1])));
        int32x2_t high = vpadd_s32(vpadd_s32(vget_low_s32(sum[i][2]), vget_high_s32(sum[i][2])),
                                   vpadd_s32(vget_low_s32(sum[i][3]), vget_high_s32(sum[i][3])));
        vst1q_s32(into + 4 * i, vaddq_s32(first, vcombine_s32(low, high)));
    }
}

static void block(const int8_t *const x[4], const int8_t *w, int32_t depth, const int32_t *bias, int32_t *into)
{
    for (int i = 0; i < 4; i += ROWS_AT_ONCE)
        rows_by_four(x + i, w, depth, bias, into + 4 * i);
}

enum { LANES = 8, UNROLLED = 1 };

struct lanes {
    int32x4_t low, high;
};

static inline struct lanes lanes_from(const int32_t *bias)
{
    return (struct lanes){vld1q_s32(bias), vld1q_s32(bias + 4)};
}

static inline void tap(struct lanes *sums, const int8_t *x, const int8_t *w)
{
    int16x8_t products = vmull_s8(vld1_s8(x), vld1_s8(w));
    sums->low = vaddw_s16(sums->low, vget_low_s16(products));
    sums->high = vaddw_s16(sums->high, vget_high_s16(products));
}

static inline void lanes_to(int32_t *into, struct lanes sums)
{
    vst1q_s32(into, sums.low);
    vst1q_s32(into + 4, sums.high);
}

#endif
