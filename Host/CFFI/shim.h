#include <ffi.h>

// libffi's types are variables, whose addresses Swift does not take.
static inline ffi_type *gantry_ffi_void(void) { return &ffi_type_void; }
static inline ffi_type *gantry_ffi_i32(void) { return &ffi_type_sint32; }
static inline ffi_type *gantry_ffi_i64(void) { return &ffi_type_sint64; }
static inline ffi_type *gantry_ffi_f64(void) { return &ffi_type_double; }
static inline ffi_type *gantry_ffi_pointer(void) { return &ffi_type_pointer; }
