#include "load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_reserve(struct buffer *buffer, size_t more) {
    if (buffer->start == buffer->end) buffer->start = buffer->end = 0;
    if (buffer->end + more <= buffer->capacity) return;
    size_t held = buffer->end - buffer->start;
    if (buffer->start > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, held);
        buffer->start = 0;
        buffer->end = held;
    }
    if (held + more <= buffer->capacity) return;
    buffer->capacity = (held + more) * 2;
    buffer->bytes = checked(realloc(buffer->bytes, buffer->capacity));
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t length) {
    buffer_reserve(buffer, length);
    memcpy(buffer->bytes + buffer->end, bytes, length);
    buffer->end += length;
}

void buffer_format(struct buffer *buffer, const char *format, ...) {
    enum { LONGEST = 512 };
    buffer_reserve(buffer, LONGEST);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(buffer->bytes + buffer->end, LONGEST, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= LONGEST) die("a command is too long");
    buffer->end += (size_t)length;
}
