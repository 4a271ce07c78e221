#include "gantry_heap.h"

#include <stdlib.h> /* It says whether this is glibc. */

#if defined(__GLIBC__)
#include <malloc.h>

size_t gantry_heap_bytes(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

size_t gantry_heap_reserved_bytes(void) {
  struct mallinfo2 info = mallinfo2();
  return info.arena + info.hblkhd;
}
#else
size_t gantry_heap_bytes(void) { return 0; }
size_t gantry_heap_reserved_bytes(void) { return 0; }
#endif
