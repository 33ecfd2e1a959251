/* A TCG plugin of qemu-user: instructions by kind between two marks, one line an interval.
 *
 *   qemu-aarch64 -plugin count.so,out=FILE …      built with -DAPI=1 for QEMU 6.0 to 8.x, -DAPI=2 for 9.0 and newer
 *
 * Marks are system calls that do nothing: close(1000000000 + 2k) begins interval k, close(1000000000 + 2k + 1) ends it
 * and appends "k dot multiply load store vector scalar" to FILE. Threads are counted together; instructions count when
 * their block is entered. Declarations of QEMU's plugin interface are our own, of what both its forms share.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kind.h"

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

struct qemu_info {
    const char *target_name;
    struct {
        int min, cur;
    } version;
    /* more follows, which nothing here reads */
};

enum { NO_REGISTERS };

extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
/* One symbol of two forms: from 9.1 on (version 3) it copies. */
extern const void *insn_data(const struct qemu_plugin_insn *) __asm__("qemu_plugin_insn_data");
extern size_t copy_insn_data(const struct qemu_plugin_insn *, void *, size_t) __asm__("qemu_plugin_insn_data");
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_syscall_cb(
    plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                        uint64_t, uint64_t));

__attribute__((visibility("default"))) int qemu_plugin_version = API;

#define MARK 1000000000u
#define THREADS 1024u /* a power of two; more threads than this share a row, and may lose some */

struct row {
    uint64_t of[8]; /* KINDS, and as much as makes a cache line */
} __attribute__((aligned(64)));

static struct row executed[THREADS], at_begin;
static uint64_t open_interval = UINT64_MAX;
static int out = -1;
static bool aarch64, copies_data;
static int64_t close_number;

static uint32_t word_of(const struct qemu_plugin_insn *insn)
{
    uint32_t word = 0;
    size_t size = qemu_plugin_insn_size(insn);
    if (copies_data)
        copy_insn_data(insn, &word, size);
    else
        memcpy(&word, insn_data(insn), size);
    return word;
}

/* QEMU does not tell A32 from T32. Halfwords and odd addresses are T32; so is a block whose every word begins with a
 * prefix of the wide ones, unless every word ends as an A32 instruction that is always carried out would. */
static bool thumb(const struct qemu_plugin_tb *tb, size_t count)
{
    bool all_wide = true, all_always = true;
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        if (qemu_plugin_insn_size(insn) == 2 || qemu_plugin_insn_vaddr(insn) & 2)
            return true;
        uint32_t word = word_of(insn);
        all_wide = all_wide && wide_t32(word & 0xffff);
        all_always = all_always && bits(word, 31, 28) >= 14;
    }
    return all_wide && !all_always;
}

static void count_block(unsigned thread, void *block)
{
    struct row *to = &executed[thread % THREADS];
    const struct row *from = block;
    for (int i = 0; i < 8; i++)
        to->of[i] += from->of[i];
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(tb);
    struct row *block = aligned_alloc(64, sizeof *block); /* lives as long as the block may be run */
    if (!block)
        abort();
    memset(block, 0, sizeof *block);
    bool t32 = !aarch64 && thumb(tb, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t word = word_of(qemu_plugin_tb_get_insn(tb, i));
        block->of[aarch64 ? kind_a64(word) : t32 ? kind_t32(word & 0xffff, word >> 16) : kind_a32(word)]++;
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, count_block, NO_REGISTERS, block);
}

static struct row sum(void)
{
    struct row total = {{0}};
    for (unsigned thread = 0; thread < THREADS; thread++)
        for (int i = 0; i < KINDS; i++)
            total.of[i] += executed[thread].of[i];
    return total;
}

static void end_interval(void)
{
    struct row total = sum();
    char line[256];
    int length = snprintf(line, sizeof line, "%llu", (unsigned long long)open_interval);
    for (int i = 0; i < KINDS; i++)
        length += snprintf(line + length, sizeof line - length, " %llu",
                           (unsigned long long)(total.of[i] - at_begin.of[i]));
    line[length++] = '\n';
    if (write(out, line, length) != length)
        abort(); /* a count that is lost must not look like a run without marks */
    open_interval = UINT64_MAX;
}

static void system_call(plugin_id id, unsigned thread, int64_t number, uint64_t descriptor, uint64_t a2, uint64_t a3,
                        uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)thread, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    uint32_t mark = (uint32_t)descriptor - MARK;
    if (number != close_number || (int32_t)descriptor < (int32_t)MARK)
        return;
    if (mark % 2 == 0) {
        open_interval = mark / 2;
        at_begin = sum();
    } else if (open_interval == mark / 2) {
        end_interval();
    }
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc,
                                                              char **argv)
{
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
        fprintf(stderr, "count: takes out=FILE\n");
        return -1;
    }
    out = open(argv[0] + 4, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (out < 0) {
        perror(argv[0] + 4);
        return -1;
    }
    aarch64 = strcmp(info->target_name, "aarch64") == 0;
    if (!aarch64 && strcmp(info->target_name, "arm") != 0) {
        fprintf(stderr, "count: knows aarch64 and arm, not %s\n", info->target_name);
        return -1;
    }
    close_number = aarch64 ? 57 : 6;
    copies_data = info->version.cur >= 3;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, system_call);
    return 0;
}
