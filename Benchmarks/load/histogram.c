#include "load.h"

/* A value below 2 * HISTOGRAM_STEPS has a cell of its own; above, each power of two is divided into HISTOGRAM_STEPS. */
static size_t cell_of(uint64_t value) {
    if (value < 2 * HISTOGRAM_STEPS) return (size_t)value;
    unsigned shift = (unsigned)__builtin_clzll(HISTOGRAM_STEPS) - (unsigned)__builtin_clzll(value);
    size_t cell = shift * HISTOGRAM_STEPS + (size_t)(value >> shift);
    return cell < HISTOGRAM_CELLS ? cell : HISTOGRAM_CELLS - 1;
}

static uint64_t value_of(size_t cell) {
    if (cell < 2 * HISTOGRAM_STEPS) return cell;
    size_t shift = cell / HISTOGRAM_STEPS - 1;
    uint64_t lowest = (uint64_t)(cell - shift * HISTOGRAM_STEPS) << shift;
    return lowest + ((uint64_t)1 << shift) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t microseconds) {
    histogram->cells[cell_of(microseconds)]++;
    histogram->count++;
    if (microseconds > histogram->largest) histogram->largest = microseconds;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent) {
    uint64_t rank = (uint64_t)((double)histogram->count * percent / 100.0), passed = 0;
    for (size_t cell = 0; cell < HISTOGRAM_CELLS; cell++) {
        passed += histogram->cells[cell];
        if (passed > rank) return value_of(cell) < histogram->largest ? value_of(cell) : histogram->largest;
    }
    return histogram->largest;
}
