/* The kind of an A32 or T32 instruction, from the tables of the Arm Architecture Reference Manual (DDI 0406, chapters
 * A5 to A7; dot products: DDI 0487, chapter F3). One whose condition fails counts as any other. */
#include "kind.h"

/* NEON data processing in its A32 form, 1111 001U. */
static enum kind neon(uint32_t word)
{
    uint32_t upper = bits(word, 24, 24), opcode = bits(word, 11, 8), last = bits(word, 4, 4);
    if (!bits(word, 23, 23)) { /* three registers of the same length */
        int multiplies = opcode == 9                           /* VMLA, VMLS, VMUL */
                         || (opcode == 11 && (!last || upper)) /* VQDMULH, VQRDMULH, VQRDMLAH */
                         || (opcode == 12 && last)             /* VFMA, VFMS, VQRDMLSH */
                         || (opcode == 13 && last);            /* VMLA, VMUL of floats */
        return multiplies ? MULTIPLY : VECTOR;
    }
    if (last || bits(word, 21, 20) == 3) /* immediates and shifts; VEXT, VTBL, VDUP, two registers */
        return VECTOR;
    if (bits(word, 6, 6)) /* with a scalar: all of them multiply */
        return MULTIPLY;
    return opcode >= 8 && opcode <= 14 ? MULTIPLY : VECTOR; /* VMLAL, VQDMLAL, VMLSL, VMULL, VQDMULL */
}

/* Later additions, 1111 110x and 1111 1110; the coprocessor's field tells them apart. */
static enum kind extended(uint32_t word)
{
    switch (bits(word, 11, 8)) {
    case 8: /* VFMAL, VCMLA */
        return MULTIPLY;
    case 12: /* VSMMLA, VMMLA */
    case 13: /* VSDOT, VUSDOT, VDOT */
        return DOT;
    default: /* VSEL, VMAXNM, VRINTA */
        return VECTOR;
    }
}

/* VFP and transfers, coprocessors 10 and 11, bits 27..24 110x or 1110. */
static enum kind vfp(uint32_t word)
{
    if (bits(word, 27, 25) == 6) { /* VLDR, VSTM; two core registers to and from a double */
        if (bits(word, 24, 21) == 2)
            return VECTOR;
        return bits(word, 20, 20) ? LOAD : STORE;
    }
    if (bits(word, 4, 4))
        return VECTOR;
    switch (bits(word, 23, 20) & 0xb) { /* but D, bit 22 */
    case 0: /* VMLA, VMLS */
    case 1: /* VNMLA, VNMLS */
    case 2: /* VMUL, VNMUL */
    case 9: /* VFNMA, VFNMS */
    case 10: /* VFMA, VFMS */
        return MULTIPLY;
    default:
        return VECTOR;
    }
}

/* 1111 ....: no condition. */
static enum kind unconditional(uint32_t word)
{
    if (bits(word, 27, 25) == 1)
        return neon(word);
    if (bits(word, 27, 24) == 4 && !bits(word, 20, 20)) /* VLD1, VST4 */
        return bits(word, 21, 21) ? LOAD : STORE;
    if (bits(word, 27, 25) == 6 || bits(word, 27, 24) == 14)
        return extended(word);
    return SCALAR; /* PLD, BLX, barriers */
}

/* Bits 27..25 are 000 with bits 7 and 4 set: multiplies, exclusives, halfwords and doublewords. */
static enum kind multiply_or_extra(uint32_t word)
{
    uint32_t which = bits(word, 6, 5);
    if (which == 0 && !bits(word, 24, 24))
        return MULTIPLY;
    if (which == 0) /* LDREX, STREX, SWP */
        return bits(word, 20, 20) ? LOAD : STORE;
    return bits(word, 20, 20) || which == 2 ? LOAD : STORE; /* LDRH, LDRSB; LDRD, STRD */
}

/* Media instructions: bits 27..25 are 011, bit 4 set. */
static enum kind media(uint32_t word)
{
    uint32_t which = bits(word, 22, 20);
    return bits(word, 24, 23) == 2 && (which == 0 || which == 4 || which == 5) ? MULTIPLY : SCALAR; /* SMLAD, SMMUL */
}

enum kind kind_a32(uint32_t word)
{
    if (bits(word, 31, 28) == 15)
        return unconditional(word);
    switch (bits(word, 27, 25)) {
    case 0:
        if (bits(word, 7, 7) && bits(word, 4, 4))
            return multiply_or_extra(word);
        if (bits(word, 24, 23) == 2 && !bits(word, 20, 20) && bits(word, 7, 7)) /* SMLABB, SMULWT */
            return MULTIPLY;
        return SCALAR;
    case 2:
        return bits(word, 20, 20) ? LOAD : STORE;
    case 3:
        if (bits(word, 4, 4))
            return media(word);
        return bits(word, 20, 20) ? LOAD : STORE;
    case 4: /* LDM, STM */
        return bits(word, 20, 20) ? LOAD : STORE;
    case 6:
    case 7:
        if (bits(word, 27, 24) == 15 || bits(word, 11, 9) != 5) /* SVC; other coprocessors: MRC */
            return SCALAR;
        return vfp(word);
    default:
        return SCALAR;
    }
}

static enum kind t32_narrow(uint32_t word)
{
    if (bits(word, 15, 11) == 9) /* literal */
        return LOAD;
    if (bits(word, 15, 12) == 5) /* register offset */
        return bits(word, 11, 9) >= 3 ? LOAD : STORE;
    if (bits(word, 15, 13) == 3 || bits(word, 15, 12) == 8 || bits(word, 15, 12) == 9 || bits(word, 15, 12) == 12)
        return bits(word, 11, 11) ? LOAD : STORE;
    if (bits(word, 15, 9) == 0x5a) /* PUSH */
        return STORE;
    if (bits(word, 15, 9) == 0x5e) /* POP */
        return LOAD;
    return bits(word, 15, 6) == 0x10d ? MULTIPLY : SCALAR; /* MULS */
}

int wide_t32(uint32_t first)
{
    return bits(first, 15, 11) >= 0x1d;
}

enum kind kind_t32(uint32_t first, uint32_t second)
{
    uint32_t word = first << 16 | second;
    if (!wide_t32(first))
        return t32_narrow(first);
    if (bits(first, 15, 9) == 0x74) /* LDM, STRD, LDREX; TBB reads its table */
        return bits(first, 4, 4) ? LOAD : STORE;
    if (bits(first, 15, 8) == 0xf9 && !bits(first, 4, 4)) /* VLD1, VST4 */
        return bits(first, 5, 5) ? LOAD : STORE;
    if (bits(first, 15, 9) == 0x7c) { /* one register; PLD is a byte or halfword into PC */
        if (bits(first, 4, 4) && bits(second, 15, 12) == 15 && bits(first, 6, 5) != 2)
            return SCALAR;
        return bits(first, 4, 4) ? LOAD : STORE;
    }
    if (bits(first, 15, 7) == 0x1f6) /* MUL, SMLAD, SMMUL; USAD8 */
        return bits(first, 6, 4) == 7 ? SCALAR : MULTIPLY;
    if (bits(first, 15, 7) == 0x1f7) /* SMULL, UMLAL; SDIV, UDIV */
        return (bits(first, 6, 4) & 5) == 1 ? SCALAR : MULTIPLY;
    if ((first & 0xef00) == 0xef00) /* NEON: 111U 1111 here, 1111 001U there */
        return neon(0xf2000000 | bits(first, 12, 12) << 24 | (word & 0xffffff));
    if (bits(first, 15, 10) == 0x3f) /* 1111 11xx */
        return unconditional(word);
    if (bits(first, 15, 10) == 0x3b && bits(second, 11, 9) == 5) /* 1110 11xx */
        return vfp(word);
    return SCALAR;
}
