//! acme: chat completions of a server that speaks OpenAI's wire format.
//!
//! The host reads and writes the network; a plugin says what is to be sent and what becomes of the answer. This file is
//! where the host's pointers become references; `target.rs` and `operation.rs` are the plugin.

mod abi;
mod json;
mod operation;
mod target;

use abi::{Event, Host, Plugin, Sink, Slice, Status, E_INVALID, E_UNSUPPORTED, OK, OP_CHAT};
use operation::Operation;
use std::ffi::c_void;
use std::os::raw::c_char;
use target::Target;

const DESCRIPTION: &[u8] = br#"{"params": {"api_base": {"kind": "endpoint", "env": "ACME_API_BASE"},
    "api_key": {"kind": "secret", "env": "ACME_API_KEY"}}}"#;

static PLUGIN: Plugin = Plugin {
    size: std::mem::size_of::<Plugin>() as u32,
    abi_minor: 0,
    needs_minor: 0,
    flags: abi::PF_PARALLEL | abi::PF_OPENAI_WIRE,
    ops: 1 << OP_CHAT,
    id: Slice::new(b"acme"),
    version: Slice::new(b"0.1.0"),
    describe: Slice::new(DESCRIPTION),
    instance_new,
    instance_free,
    target_new,
    target_free,
    op_new,
    op_step,
    op_free,
    extension,
};

/// The symbol by which the host finds the plugin.
#[no_mangle]
pub extern "C" fn gantry_plugin_entry_v1(_host_minor: u32) -> *const Plugin {
    &PLUGIN
}

/// There is nothing to keep for a manifest, so its instance is only told from none.
static INSTANCE: u8 = 0;

extern "C" fn instance_new(_: *const Host, config: Slice, why: *const Sink, out: *mut *mut c_void) -> Status {
    if !matches!(json::object(config.bytes()), Some(members) if members.is_empty()) {
        let failure = target::Failure::new("configuration", "acme takes no `configuration`; remove it.");
        return failure.emit(unsafe { &*why });
    }
    unsafe { *out = &INSTANCE as *const u8 as *mut c_void };
    OK
}

extern "C" fn instance_free(_: *mut c_void) {}

extern "C" fn target_new(_: *mut c_void, params: Slice, why: *const Sink, out: *mut *mut c_void) -> Status {
    match Target::new(params.bytes()) {
        Ok(target) => {
            unsafe { *out = Box::into_raw(Box::new(target)) as *mut c_void };
            OK
        }
        Err(failure) => failure.emit(unsafe { &*why }),
    }
}

extern "C" fn target_free(target: *mut c_void) {
    if !target.is_null() {
        drop(unsafe { Box::from_raw(target as *mut Target) });
    }
}

extern "C" fn op_new(target: *mut c_void, kind: u32, out: *mut *mut c_void) -> Status {
    if kind != OP_CHAT {
        return E_UNSUPPORTED;
    }
    if target.is_null() {
        return E_INVALID;
    }
    // The host frees a target after its operations.
    let target: &'static Target = unsafe { &*(target as *const Target) };
    unsafe { *out = Box::into_raw(Box::new(Operation::new(target))) as *mut c_void };
    OK
}

extern "C" fn op_step(op: *mut c_void, event: *const Event, sink: *const Sink) -> Status {
    // An operation is never entered twice at once; event and sink are lent for this call.
    let (op, event, sink) = unsafe { (&mut *(op as *mut Operation), Event::read(event), &*sink) };
    match op.step(&event, sink) {
        Ok(()) => OK,
        Err(status) => status,
    }
}

extern "C" fn op_free(op: *mut c_void) {
    if !op.is_null() {
        drop(unsafe { Box::from_raw(op as *mut Operation) });
    }
}

extern "C" fn extension(_: *const c_char) -> *const c_void {
    std::ptr::null()
}
