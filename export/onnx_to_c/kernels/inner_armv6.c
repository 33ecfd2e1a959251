/* The two inner loops where a register holds two int16 (ARMv6): see inner_plain.c. */

#if defined(__ARM_FEATURE_SIMD32) && !defined(INNER_LOOPS)
#define INNER_LOOPS

/* ARMv6 multiplies two pairs of int16 and adds both products at once. Two rows by two channels fill its registers to
   the last, which no compiler at hand does without moving them about. */
#define FOUR_PRODUCTS(first, second) \
    "ldr %[y0], [%[x], %[row]]\n\tldr %[x0], [%[x]], #4\n\tldr %[w0], [%[w], #" first "]\n\t" \
    "sxtb16 %[y1], %[y0], ror #8\n\tsxtb16 %[y0], %[y0]\n\t" \
    "sxtb16 %[x1], %[x0], ror #8\n\tsxtb16 %[x0], %[x0]\n\t" \
    "sxtb16 %[w1], %[w0], ror #8\n\tsxtb16 %[w0], %[w0]\n\t" \
    "smlad %[a], %[x1], %[w1], %[a]\n\tsmlad %[c], %[y1], %[w1], %[c]\n\t" \
    "ldr %[w1], [%[w], #" second "]\n\t" \
    "smlad %[a], %[x0], %[w0], %[a]\n\tsmlad %[c], %[y0], %[w0], %[c]\n\t" \
    "sxtb16 %[w0], %[w1]\n\tsxtb16 %[w1], %[w1], ror #8\n\t" \
    "smlad %[b], %[x0], %[w0], %[b]\n\tsmlad %[d], %[y0], %[w0], %[d]\n\t" \
    "smlad %[b], %[x1], %[w1], %[b]\n\tsmlad %[d], %[y1], %[w1], %[d]\n\t"

static __attribute__((noinline)) void quarter(const int8_t *x, int32_t row, const int8_t *w, int32_t depth,
                                              const int32_t *bias, int32_t *into)
{
    int32_t a = bias[0], b = bias[1], c = a, d = b, x0, x1, y0, y1, w0, w1;
    const int8_t *end = x + depth;
    __asm__ volatile("1:\n\t" FOUR_PRODUCTS("0", "8") FOUR_PRODUCTS("4", "12")
                     "ldr %[w0], %[end]\n\tadd %[w], %[w], #32\n\tcmp %[x], %[w0]\n\tbne 1b"
                     : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [x] "+r"(x), [w] "+r"(w), [x0] "=&r"(x0),
                       [x1] "=&r"(x1), [y0] "=&r"(y0), [y1] "=&r"(y1), [w0] "=&r"(w0), [w1] "=&r"(w1)
                     : [row] "r"(row), [end] "m"(end)
                     : "cc", "memory");
    into[0] = a;
    into[1] = b;
    into[4] = c;
    into[5] = d;
}

static void block(const int8_t *const x[4], const int8_t *w, int32_t depth, const int32_t *bias, int32_t *into)
{
    for (int i = 0; i < 4; i += 2)
        for (int j = 0; j < 4; j += 2)
            quarter(x[i], (int32_t)(x[i + 1] - x[i]), w + 8 * j, depth, bias + j, into + 4 * i + j);
}

enum { LANES = 4, UNROLLED = 0 }; /* its registers hold no more than one tap */

struct lanes {
    int32_t sum[4];
};

static inline struct lanes lanes_from(const int32_t *bias)
{
    return (struct lanes){{bias[0], bias[1], bias[2], bias[3]}};
}

/* One of the two int16 of each, by itself. LLVM knows no intrinsic for it on this processor, which has it. */
#define MULTIPLY_ADD(how, one, other, sum) __asm__(how " %0, %1, %2, %0" : "+r"(sum) : "r"(one), "r"(other))

static inline void tap(struct lanes *sums, const int8_t *x, const int8_t *w)
{
    uint32_t codes = word(x), weights = word(w);
    int16x2_t even = __sxtb16(codes), odd = __sxtb16(codes >> 8 | codes << 24);
    int16x2_t weight_even = __sxtb16(weights), weight_odd = __sxtb16(weights >> 8 | weights << 24);
    MULTIPLY_ADD("smlabb", even, weight_even, sums->sum[0]);
    MULTIPLY_ADD("smlabb", odd, weight_odd, sums->sum[1]);
    MULTIPLY_ADD("smlatt", even, weight_even, sums->sum[2]);
    MULTIPLY_ADD("smlatt", odd, weight_odd, sums->sum[3]);
}

static inline void lanes_to(int32_t *into, struct lanes sums)
{
    for (int l = 0; l < 4; l++)
        into[l] = sums.sum[l];
}

#endif
