/* The kind of an AArch64 instruction, from the tables of the Arm Architecture Reference Manual (DDI 0487, chapter C4).
 * Comments name the manual's own groups. */
#include "kind.h"

/* Advanced SIMD and FP loads and stores, exclusives, pairs, literals, single registers, atomics. */
static enum kind memory(uint32_t word)
{
    uint32_t group = bits(word, 29, 27), vector = bits(word, 26, 26);
    if (group == 1 && vector) /* structures: LD1, ST4 */
        return bits(word, 22, 22) ? LOAD : STORE;
    if (group == 1) /* exclusive and ordered; compare and swap */
        return bits(word, 22, 22) || (bits(word, 21, 21) && (bits(word, 23, 23) || !bits(word, 31, 31))) ? LOAD : STORE;
    if (group == 3 && !bits(word, 24, 24)) /* literal; opc 11 is PRFM */
        return !vector && bits(word, 31, 30) == 3 ? SCALAR : LOAD;
    if (group == 3) /* LDAPUR, STLUR */
        return bits(word, 23, 22) ? LOAD : STORE;
    if (group == 5) /* pairs */
        return bits(word, 22, 22) ? LOAD : STORE;
    /* one register */
    uint32_t size = bits(word, 31, 30), opc = bits(word, 23, 22);
    if (!bits(word, 24, 24) && bits(word, 21, 21) && bits(word, 11, 10) != 2)
        return LOAD; /* atomic, or with pointer authentication */
    if (vector)
        return opc & 1 ? LOAD : STORE;
    if (size == 3 && opc == 2) /* PRFM */
        return SCALAR;
    return opc ? LOAD : STORE;
}

/* "three same": one opcode each, bits 15..11. Scalar forms have but SQDMULH, SQRDMULH and FMULX of these. */
static enum kind three_same(uint32_t word)
{
    uint32_t upper = bits(word, 29, 29), half = bits(word, 23, 23);
    switch (bits(word, 15, 11)) {
    case 0x12: /* MLA, MLS */
    case 0x13: /* MUL, PMUL */
    case 0x16: /* SQDMULH, SQRDMULH */
        return MULTIPLY;
    case 0x19: /* FMLA, FMLS; FMLAL2, FMLSL2 have U */
        return upper && bits(word, 22, 22) ? VECTOR : MULTIPLY;
    case 0x1b: /* FMULX, FMUL */
        return half ? VECTOR : MULTIPLY;
    case 0x1d: /* FMLAL, FMLSL; with U FACGE, FACGT */
        return upper ? VECTOR : MULTIPLY;
    default:
        return VECTOR;
    }
}

/* "three same extra", bits 14..11: SQRDMLAH, SQRDMLSH, the dot products, the matrix products, FCMLA, FCADD. */
static enum kind three_same_extra(uint32_t word)
{
    uint32_t opcode = bits(word, 14, 11), upper = bits(word, 29, 29), size = bits(word, 23, 22);
    if (opcode <= 1) /* SQRDMLAH, SQRDMLSH */
        return MULTIPLY;
    if (opcode == 2 || opcode == 3 || opcode == 4 || opcode == 5 || opcode == 13) /* DOT, MMLA, BFMMLA */
        return DOT;
    if (opcode == 15 && upper) /* BFDOT; BFMLALB, BFMLALT */
        return size == 1 ? DOT : MULTIPLY;
    return upper && opcode >= 8 && opcode <= 11 ? MULTIPLY : VECTOR; /* FCMLA; FCADD */
}

/* "three different", bits 15..12: xMLAL, SQDMLAL, xMLSL, SQDMLSL, xMULL, SQDMULL, PMULL. */
static enum kind three_different(uint32_t word)
{
    return bits(word, 15, 12) >= 8 && bits(word, 15, 12) <= 14 ? MULTIPLY : VECTOR;
}

/* "vector x indexed element": all of them multiply. */
static enum kind by_element(uint32_t word)
{
    uint32_t opcode = bits(word, 15, 12);
    int dot = opcode == 14 || (opcode == 15 && !bits(word, 29, 29) && bits(word, 23, 22) != 3);
    return dot && !bits(word, 28, 28) ? DOT : MULTIPLY;
}

/* Advanced SIMD, vector (bit 28 is 0) and scalar (1) forms: bits 27..24 are 1110 or 1111. */
static enum kind simd(uint32_t word)
{
    if (bits(word, 24, 24)) /* indexed, or with an immediate */
        return bits(word, 10, 10) ? VECTOR : by_element(word);
    if (bits(word, 21, 21)) {
        if (bits(word, 10, 10))
            return three_same(word);
        return bits(word, 11, 11) ? VECTOR : three_different(word); /* else two registers, across lanes */
    }
    if (bits(word, 15, 15) && bits(word, 10, 10))
        return three_same_extra(word);
    if (bits(word, 22, 22) && bits(word, 15, 14) == 0 && bits(word, 10, 10)) { /* three same, half precision */
        uint32_t opcode = bits(word, 13, 11);
        return (opcode == 1 && !bits(word, 29, 29)) || (opcode == 3 && !bits(word, 23, 23)) ? MULTIPLY : VECTOR;
    }
    return VECTOR; /* DUP, INS, SMOV, TBL, ZIP, EXT */
}

static enum kind scalar_float(uint32_t word)
{
    if (bits(word, 24, 24)) /* FMADD, FNMSUB */
        return MULTIPLY;
    if (bits(word, 21, 21) && bits(word, 11, 10) == 2) /* two sources: FMUL, FNMUL */
        return (bits(word, 15, 12) & 7) == 0 ? MULTIPLY : VECTOR;
    return VECTOR;
}

enum kind kind_a64(uint32_t word)
{
    uint32_t group = bits(word, 28, 25);
    if ((group & 5) == 4)
        return memory(word);
    if ((group & 7) == 5) /* data processing, register; three sources: MADD, SMULL, UMULH */
        return bits(word, 28, 24) == 0x1b ? MULTIPLY : SCALAR;
    if ((group & 7) == 7) {
        if (bits(word, 28, 28) && !bits(word, 30, 30)) /* 0x0 1111x: scalar floating point */
            return scalar_float(word);
        return bits(word, 31, 31) ? VECTOR : simd(word); /* bit 31: cryptography */
    }
    if (group == 2 && bits(word, 31, 31)) /* SVE, which no core of a Pi has: memory alone is told apart */
        return bits(word, 31, 29) == 7 ? STORE : LOAD;
    return group == 2 ? VECTOR : SCALAR;
}
