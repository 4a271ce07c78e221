/* The layout of minor 0 on LP64 platforms, as released. A member that moves breaks every plugin that has been built:
 * members are added at the end, and then to this table. The structs that travel in arrays never change. */
#include "gantry_functions.h"
#include "gantry_plugin.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has another size")
#define AT(type, member, bytes) _Static_assert(offsetof(type, member) == (bytes), #type "." #member " has moved")

#if defined(__LP64__)

SIZE(gantry_status, 4);

/* Frozen: they travel in arrays. */
SIZE(gantry_slice, 16);
AT(gantry_slice, ptr, 0);
AT(gantry_slice, len, 8);

SIZE(gantry_pair, 48);
AT(gantry_pair, name, 0);
AT(gantry_pair, value, 16);
AT(gantry_pair, secret, 32);

SIZE(gantry_segment, 40);
AT(gantry_segment, kind, 0);
AT(gantry_segment, flags, 4);
AT(gantry_segment, bytes, 8);
AT(gantry_segment, offset, 24);
AT(gantry_segment, length, 32);

SIZE(gantry_ref, 88);
AT(gantry_ref, kind, 0);
AT(gantry_ref, reserved, 4);
AT(gantry_ref, offset, 8);
AT(gantry_ref, length, 16);
AT(gantry_ref, client_id, 24);
AT(gantry_ref, upstream_id, 40);
AT(gantry_ref, mime_type, 56);
AT(gantry_ref, filename, 72);

SIZE(gantry_value, 24);
AT(gantry_value, bytes, 0);
AT(gantry_value, number, 16);

/* Growing at the end. */
SIZE(gantry_event, 96);
AT(gantry_event, size, 0);
AT(gantry_event, kind, 4);
AT(gantry_event, flags, 8);
AT(gantry_event, request, 12);
AT(gantry_event, code, 16);
AT(gantry_event, reserved, 20);
AT(gantry_event, value, 24);
AT(gantry_event, data, 32);
AT(gantry_event, text, 48);
AT(gantry_event, pairs, 64);
AT(gantry_event, pair_count, 72);
AT(gantry_event, refs, 80);
AT(gantry_event, ref_count, 88);

SIZE(gantry_command, 128);
AT(gantry_command, size, 0);
AT(gantry_command, kind, 4);
AT(gantry_command, flags, 8);
AT(gantry_command, request, 12);
AT(gantry_command, code, 16);
AT(gantry_command, upstream, 20);
AT(gantry_command, value, 24);
AT(gantry_command, data, 32);
AT(gantry_command, text, 48);
AT(gantry_command, method, 64);
AT(gantry_command, url, 80);
AT(gantry_command, pairs, 96);
AT(gantry_command, pair_count, 104);
AT(gantry_command, segments, 112);
AT(gantry_command, segment_count, 120);

SIZE(gantry_sink, 24);
AT(gantry_sink, size, 0);
AT(gantry_sink, reserved, 4);
AT(gantry_sink, ctx, 8);
AT(gantry_sink, emit, 16);

SIZE(gantry_host, 104);
AT(gantry_host, size, 0);
AT(gantry_host, abi_minor, 4);
AT(gantry_host, ctx, 8);
AT(gantry_host, name, 16);
AT(gantry_host, version, 32);
AT(gantry_host, log, 48);
AT(gantry_host, now_ms, 56);
AT(gantry_host, random, 64);
AT(gantry_host, sign, 72);
AT(gantry_host, cache_get, 80);
AT(gantry_host, cache_put, 88);
AT(gantry_host, extension, 96);

SIZE(gantry_plugin, 136);
AT(gantry_plugin, size, 0);
AT(gantry_plugin, abi_minor, 4);
AT(gantry_plugin, needs_minor, 8);
AT(gantry_plugin, flags, 12);
AT(gantry_plugin, ops, 16);
AT(gantry_plugin, id, 24);
AT(gantry_plugin, version, 40);
AT(gantry_plugin, describe, 56);
AT(gantry_plugin, instance_new, 72);
AT(gantry_plugin, instance_free, 80);
AT(gantry_plugin, target_new, 88);
AT(gantry_plugin, target_free, 96);
AT(gantry_plugin, op_new, 104);
AT(gantry_plugin, op_step, 112);
AT(gantry_plugin, op_free, 120);
AT(gantry_plugin, extension, 128);

SIZE(gantry_value_sink, 24);
AT(gantry_value_sink, size, 0);
AT(gantry_value_sink, reserved, 4);
AT(gantry_value_sink, ctx, 8);
AT(gantry_value_sink, emit, 16);

SIZE(gantry_functions, 32);
AT(gantry_functions, size, 0);
AT(gantry_functions, reserved, 4);
AT(gantry_functions, ctx, 8);
AT(gantry_functions, hooks, 16);
AT(gantry_functions, call, 24);

#endif
