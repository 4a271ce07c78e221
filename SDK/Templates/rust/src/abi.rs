//! gantry_plugin.h, major 1, as far as this plugin needs it: `gantry_plugin.h` beside this file has every rule.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::os::raw::c_char;

pub type Status = i32;
pub const OK: Status = 0;
pub const E_UNSUPPORTED: Status = -1;
pub const E_INVALID: Status = -2;

pub const OP_CHAT: u32 = 2;

pub const EV_START: u32 = 1;
pub const EV_HEAD: u32 = 2;
pub const EV_END: u32 = 4;
pub const EV_FAILED: u32 = 5;
pub const EV_CANCEL: u32 = 10;

pub const NET_TIMEOUT: i32 = 5;
pub const NET_TOO_LARGE: i32 = 6;
pub const NET_DENIED: i32 = 7;

pub const CMD_HTTP: u32 = 1;
pub const CMD_PIPE: u32 = 9;
pub const CMD_RESULT: u32 = 13;
pub const CMD_ERROR: u32 = 14;

pub const FRAME_RAW: i32 = 1;
pub const SEG_BYTES: u32 = 0;
pub const SEG_INPUT: u32 = 2;
pub const REF_MODEL: u32 = 1;

pub const ERR_INVALID: i32 = 1;
pub const ERR_UNSUPPORTED: i32 = 2;
pub const ERR_NOT_FOUND: i32 = 3;
pub const ERR_TOO_LARGE: i32 = 5;
pub const ERR_RATE_LIMIT: i32 = 8;
pub const ERR_UPSTREAM_AUTH: i32 = 10;
pub const ERR_UPSTREAM_UNAVAILABLE: i32 = 11;
pub const ERR_UPSTREAM_TIMEOUT: i32 = 12;
pub const ERR_UPSTREAM_PROTOCOL: i32 = 13;
pub const ERR_CANCELLED: i32 = 14;
pub const ERR_INTERNAL: i32 = 15;
pub const ERRF_RETRY: u32 = 1;
pub const ERRF_FALLBACK: u32 = 2;

pub const PF_PARALLEL: u32 = 1;
pub const PF_OPENAI_WIRE: u32 = 4;

/// Bytes that are lent for as long as `'a`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slice<'a> {
    ptr: *const u8,
    len: usize,
    lent: PhantomData<&'a [u8]>,
}

impl<'a> Slice<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Slice { ptr: bytes.as_ptr(), len: bytes.len(), lent: PhantomData }
    }

    pub fn bytes(self) -> &'a [u8] {
        if self.len == 0 || self.ptr.is_null() {
            return &[];
        }
        // The host lends `len` bytes for the call that `'a` does not outlive.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }
}

#[repr(C)]
pub struct Pair<'a> {
    pub name: Slice<'a>,
    pub value: Slice<'a>,
    pub secret: Slice<'a>,
}

#[repr(C)]
pub struct Segment<'a> {
    pub kind: u32,
    pub flags: u32,
    pub bytes: Slice<'a>,
    pub offset: u64,
    pub length: u64,
}

#[repr(C)]
pub struct Ref<'a> {
    pub kind: u32,
    reserved: u32,
    pub offset: u64,
    pub length: u64,
    pub client_id: Slice<'a>,
    pub upstream_id: Slice<'a>,
    pub mime_type: Slice<'a>,
    pub filename: Slice<'a>,
}

#[repr(C)]
pub struct Event<'a> {
    pub size: u32,
    pub kind: u32,
    pub flags: u32,
    pub request: u32,
    pub code: i32,
    reserved: i32,
    pub value: u64,
    pub data: Slice<'a>,
    pub text: Slice<'a>,
    pairs: *const Pair<'a>,
    pair_count: usize,
    refs: *const Ref<'a>,
    ref_count: usize,
}

impl<'a> Event<'a> {
    /// Copies as much as the host knew of an event; what is past that reads as zero.
    ///
    /// # Safety
    /// `lent` points to an event that is lent for `'a`.
    pub unsafe fn read(lent: *const Event<'a>) -> Event<'a> {
        let mut event: Event<'a> = std::mem::zeroed();
        let known = std::mem::size_of::<Event>().min((*lent).size as usize);
        std::ptr::copy_nonoverlapping(lent as *const u8, &mut event as *mut Event<'a> as *mut u8, known);
        event
    }

    pub fn pairs(&self) -> &'a [Pair<'a>] {
        if self.pair_count == 0 || self.pairs.is_null() {
            return &[];
        }
        unsafe { std::slice::from_raw_parts(self.pairs, self.pair_count) }
    }

    pub fn refs(&self) -> &'a [Ref<'a>] {
        if self.ref_count == 0 || self.refs.is_null() {
            return &[];
        }
        unsafe { std::slice::from_raw_parts(self.refs, self.ref_count) }
    }
}

#[repr(C)]
pub struct Command<'a> {
    size: u32,
    kind: u32,
    pub flags: u32,
    pub request: u32,
    pub code: i32,
    pub upstream: u32,
    pub value: u64,
    pub data: Slice<'a>,
    pub text: Slice<'a>,
    pub method: Slice<'a>,
    pub url: Slice<'a>,
    pairs: *const Pair<'a>,
    pair_count: usize,
    segments: *const Segment<'a>,
    segment_count: usize,
}

impl<'a> Command<'a> {
    pub fn new(kind: u32) -> Self {
        let none = Slice::new(&[]);
        Command {
            size: std::mem::size_of::<Command>() as u32,
            kind,
            flags: 0,
            request: 0,
            code: 0,
            upstream: 0,
            value: 0,
            data: none,
            text: none,
            method: none,
            url: none,
            pairs: std::ptr::null(),
            pair_count: 0,
            segments: std::ptr::null(),
            segment_count: 0,
        }
    }

    pub fn set_pairs(&mut self, pairs: &'a [Pair<'a>]) {
        self.pairs = pairs.as_ptr();
        self.pair_count = pairs.len();
    }

    pub fn set_segments(&mut self, segments: &'a [Segment<'a>]) {
        self.segments = segments.as_ptr();
        self.segment_count = segments.len();
    }
}

/// Where commands go; lent for one call.
#[repr(C)]
pub struct Sink {
    size: u32,
    reserved: u32,
    context: *mut c_void,
    emit: extern "C" fn(*mut c_void, *const Command) -> Status,
}

impl Sink {
    /// Hands a command to the host, which copies it. A refusal ends the step.
    pub fn emit(&self, command: &Command) -> Result<(), Status> {
        match (self.emit)(self.context, command) {
            OK => Ok(()),
            refusal => Err(refusal),
        }
    }
}

/// Services of the host, which this plugin has no need of.
#[repr(C)]
pub struct Host {
    opaque: [u8; 0],
}

#[repr(C)]
pub struct Plugin {
    pub size: u32,
    pub abi_minor: u32,
    pub needs_minor: u32,
    pub flags: u32,
    pub ops: u64,
    pub id: Slice<'static>,
    pub version: Slice<'static>,
    pub describe: Slice<'static>,
    pub instance_new: extern "C" fn(*const Host, Slice, *const Sink, *mut *mut c_void) -> Status,
    pub instance_free: extern "C" fn(*mut c_void),
    pub target_new: extern "C" fn(*mut c_void, Slice, *const Sink, *mut *mut c_void) -> Status,
    pub target_free: extern "C" fn(*mut c_void),
    pub op_new: extern "C" fn(*mut c_void, u32, *mut *mut c_void) -> Status,
    pub op_step: extern "C" fn(*mut c_void, *const Event, *const Sink) -> Status,
    pub op_free: extern "C" fn(*mut c_void),
    pub extension: extern "C" fn(*const c_char) -> *const c_void,
}

// Its pointers lead to constants.
unsafe impl Sync for Plugin {}

const _: () = assert!(std::mem::size_of::<Pair>() == 48 && std::mem::size_of::<Segment>() == 40);
const _: () = assert!(std::mem::size_of::<Ref>() == 88 && std::mem::size_of::<Event>() == 96);
