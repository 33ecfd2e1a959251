/* The program: samples from standard input, their results to standard output, then one line of JSON on standard error. */

enum { MOST_TIMES = 4096 };

static uint32_t times[MOST_TIMES], sorted[MOST_TIMES];

static char line[MOST_TIMES * 12 + 256];
static int32_t written;

static void text(const char *from)
{
    while (*from)
        line[written++] = *from++;
}

static void number(uint32_t value, int digits)
{
    char reversed[12];
    int count = 0;
    while (value || count < digits) {
        uint32_t digit;
        value = divide(value, 10, &digit);
        reversed[count++] = (char)('0' + digit);
    }
    while (count)
        line[written++] = reversed[--count];
}

static void milliseconds(uint32_t value)
{
    uint32_t rest;
    number(divide(value, 1000, &rest), 1);
    text(".");
    number(rest, 3);
}

static uint32_t median(int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        int32_t at = i;
        for (; at > 0 && sorted[at - 1] > times[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = times[i];
    }
    uint32_t below = sorted[(count - 1) / 2], above = sorted[count / 2];
    return below + (above - below) / 2;
}

static void tell(int32_t count)
{
    text("{\"p50_ms\": ");
    milliseconds(median(count));
    text(", \"times_ms\": [");
    for (int32_t i = 0; i < count; i++) {
        if (i)
            text(", ");
        milliseconds(times[i]);
    }
    text("], \"arena_bytes\": ");
    number(ARENA_BYTES, 1);
    text("}\n");
    write_all(2, line, written);
}

static void fail(const char *what)
{
    text("error: ");
    text(what);
    text("\n");
    write_all(2, line, written);
    leave(1);
}

static int same(const char *one, const char *other)
{
    for (; *one && *one == *other; one++, other++)
        ;
    return *one == *other;
}

/* What counts an emulated core's instructions knows an inference by the closing of files that are not there. */
enum { MARK = 1000000000 };

static void run(int marked)
{
    struct moment clock = {0, 0};
    int32_t count = 0;
    for (;; count++) {
        long got = read_all(INPUT, INPUT_BYTES);
        if (got < 0)
            fail("standard input cannot be read");
        if (got == 0)
            break;
        if (got < INPUT_BYTES)
            fail("standard input ended within a sample");
        if (marked)
            call(CLOSE, MARK + 2 * count, 0, 0);
        microseconds(&clock);
        infer();
        uint32_t passed = microseconds(&clock);
        if (marked)
            call(CLOSE, MARK + 2 * count + 1, 0, 0);
        if (count < MOST_TIMES)
            times[count] = passed;
        if (!write_all(1, OUTPUT, OUTPUT_BYTES))
            fail("standard output cannot be written");
    }
    if (count == 0)
        fail("no sample on standard input");
    tell(count < MOST_TIMES ? count : MOST_TIMES);
}

/* stack: what the kernel put there: the number of arguments, then where each lies. */
__attribute__((noreturn, used)) void begin(long *stack)
{
    char **words = (char **)(stack + 1);
    int marked = stack[0] == 2 && same(words[1], "--mark");
    if (stack[0] == 2 && same(words[1], "--describe")) {
        if (!write_all(1, DESCRIPTION, sizeof DESCRIPTION - 1))
            fail("standard output cannot be written");
    } else if (stack[0] == 1 || marked) {
        run(marked);
    } else {
        text("usage: samples on standard input; or --describe\n");
        write_all(2, line, written);
        leave(2);
    }
    leave(0);
}
