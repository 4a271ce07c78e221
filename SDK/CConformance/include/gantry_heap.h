/* What Swift's view of the C library leaves out. */
#ifndef GANTRY_HEAP_H
#define GANTRY_HEAP_H
#include <stddef.h>

/* The bytes that are allocated at this moment, by malloc's own books; 0 where it keeps none. */
size_t gantry_heap_bytes(void);

/* The bytes that malloc has taken from the system. */
size_t gantry_heap_reserved_bytes(void);

#endif
