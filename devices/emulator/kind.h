/* What an instruction does, as far as a convolution cares. Each has one kind.
 *
 *   DOT       sums of products of 4 pairs or more a lane: SDOT, UDOT, USDOT, the matrix forms (SMMLA), BFDOT
 *   MULTIPLY  any other that multiplies, with or without adding: vector or not, integer or float
 *   LOAD      reads memory, an atomic read-modify-write too
 *   STORE     writes memory
 *   VECTOR    all else on SIMD and floating-point registers
 *   SCALAR    all else: integer arithmetic, branches, hints, prefetches, system
 */
#ifndef SEPIA_KIND_H
#define SEPIA_KIND_H

#include <stdint.h>

enum kind { DOT, MULTIPLY, LOAD, STORE, VECTOR, SCALAR, KINDS };

/* Bits high..low of word. */
static inline uint32_t bits(uint32_t word, int high, int low)
{
    return (word >> low) & (0xffffffffu >> (31 - (high - low)));
}

enum kind kind_a64(uint32_t word);
enum kind kind_a32(uint32_t word);

/* first: the halfword at the lower address. second: the next, 0 where the instruction has 16 bits. */
enum kind kind_t32(uint32_t first, uint32_t second);

/* Whether the halfword begins an instruction of 32 bits. */
int wide_t32(uint32_t first);

#endif
