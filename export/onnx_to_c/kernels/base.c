/* Types, the two functions that every C compiler takes for granted, and the one way of rounding. */

#include <stdint.h>
#if defined(__ARM_NEON)
#include <arm_neon.h>
#elif defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#endif

typedef __SIZE_TYPE__ size_type;

/* What a network calls, once for all its layers: a copy for each would take long to compile, and gain little. */
#define KERNEL static __attribute__((noinline, unused))

void *memcpy(void *restrict into, const void *restrict from, size_type count)
{
    uint8_t *to = into;
    const uint8_t *source = from;
    if ((((uintptr_t)to | (uintptr_t)source) & 3) == 0)
        for (; count >= 4; count -= 4, to += 4, source += 4)
            *(uint32_t *)(void *)to = *(const uint32_t *)(const void *)source;
    for (; count; count--)
        *to++ = *source++;
    return into;
}

void *memset(void *into, int value, size_type count)
{
    uint8_t *to = into;
    for (; count; count--)
        *to++ = (uint8_t)value;
    return into;
}

/* ARMv6 can't divide, and a compiler would call a function of its own library. by: not 0. rest: what is left over. */
static uint32_t divide(uint32_t value, uint32_t by, uint32_t *rest)
{
    uint32_t quotient = 0, left = 0;
    for (int bit = 31; bit >= 0; bit--) {
        left = left << 1 | (value >> bit & 1);
        quotient <<= 1;
        if (left >= by) {
            left -= by;
            quotient |= 1;
        }
    }
    *rest = left;
    return quotient;
}

/* The grid that a layer writes on. lowest, highest: bounds of the codes after a fused Relu or Clip, and shift: the zero
   point, each counted from the bits of MAGIC. */
struct grid {
    int32_t lowest, highest, shift;
};

/* 1.5 · 2^23: a float of that size has steps of 1, so adding it rounds half to even, in the processor's own rounding.
   The sum's bits grow with the value beyond the codes on both sides, so the bounds are taken after. */
#define MAGIC 12582912.0f

static inline int32_t bits_of(float value)
{
    union {
        float real;
        int32_t bits;
    } both = {value};
    return both.bits;
}

/* Code of a value that is divided by the grid's scale already. */
static inline int8_t code_of(float value, struct grid grid)
{
    int32_t bits = bits_of(value + MAGIC);
    bits = bits < grid.lowest ? grid.lowest : bits;
    bits = bits > grid.highest ? grid.highest : bits;
    return (int8_t)(bits + grid.shift);
}

/* Four codes, wherever they lie. */
static inline uint32_t word(const int8_t *from)
{
    struct __attribute__((packed)) loose {
        uint32_t word;
    };
    return ((const struct loose *)(const void *)from)->word;
}

/* Codes of `lanes` sums, a constant, or of as many as are left. */
static inline __attribute__((always_inline)) void give(const int32_t *sums, const float *scale, struct grid grid,
                                                       int32_t left, int lanes, int8_t *restrict out)
{
    if (left >= lanes)
        for (int l = 0; l < lanes; l++)
            out[l] = code_of((float)sums[l] * scale[l], grid);
    else
        for (int32_t l = 0; l < left; l++)
            out[l] = code_of((float)sums[l] * scale[l], grid);
}
