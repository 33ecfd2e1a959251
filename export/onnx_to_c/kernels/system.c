/* The kernel's door, so that no C library is needed: five calls of Linux, and where a program begins. */

#if defined(__arm__)
enum { READ = 3, WRITE = 4, CLOSE = 6, EXIT = 248, CLOCK = 263 };

static long call(long number, long one, long two, long three)
{
    register long r7 __asm__("r7") = number;
    register long r0 __asm__("r0") = one;
    register long r1 __asm__("r1") = two;
    register long r2 __asm__("r2") = three;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
    return r0;
}

__asm__(".text\n.global _start\n.type _start, %function\n_start:\n"
        "    mov r0, sp\n    bic sp, sp, #7\n    bl begin\n");

#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, CLOSE = 57, EXIT = 94, CLOCK = 113 };

static long call(long number, long one, long two, long three)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = one;
    register long x1 __asm__("x1") = two;
    register long x2 __asm__("x2") = three;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}

__asm__(".text\n.global _start\n.type _start, %function\n_start:\n"
        "    mov x0, sp\n    and sp, x0, #-16\n    bl begin\n");

#elif defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, EXIT = 231, CLOCK = 228 };

static long call(long number, long one, long two, long three)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(one), "S"(two), "d"(three)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".text\n.global _start\n.type _start, @function\n_start:\n"
        "    mov %rsp, %rdi\n    and $-16, %rsp\n    call begin\n");

#else
#error "this program knows Linux on arm, aarch64 and x86_64"
#endif

enum { INTERRUPTED = -4 };

static __attribute__((noreturn)) void leave(int code)
{
    for (;;)
        call(EXIT, code, 0, 0);
}

/* Bytes read, fewer than `count` only where the input ended; negative where it can't be read. */
static long read_all(int8_t *into, long count)
{
    long done = 0;
    while (done < count) {
        long got = call(READ, 0, (long)(into + done), count - done);
        if (got == INTERRUPTED)
            continue;
        if (got < 0)
            return got;
        if (got == 0)
            break;
        done += got;
    }
    return done;
}

/* Whether all of it was taken. */
static int write_all(int where, const void *from, long count)
{
    const int8_t *at = from;
    while (count > 0) {
        long took = call(WRITE, where, (long)at, count);
        if (took == INTERRUPTED)
            continue;
        if (took <= 0)
            return 0;
        at += took;
        count -= took;
    }
    return 1;
}

/* Microseconds from `since` until now, and now into `since`. */
struct moment {
    long seconds, nanoseconds;
};

static uint32_t microseconds(struct moment *since)
{
    struct moment now = {0, 0};
    call(CLOCK, 1 /* CLOCK_MONOTONIC */, (long)&now, 0);
    int32_t less = now.nanoseconds < since->nanoseconds;
    uint32_t seconds = (uint32_t)(now.seconds - since->seconds) - (uint32_t)less, rest;
    uint32_t nanoseconds = (uint32_t)(now.nanoseconds - since->nanoseconds + (less ? 1000000000 : 0));
    *since = now;
    return seconds * 1000000u + divide(nanoseconds, 1000, &rest);
}
