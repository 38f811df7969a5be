//! Owns what happens when the system refuses memory. Rust would abort the process, and the postmaster
//! would then end every session of the server: here, it is the end of one session, in order.
//!
//! The end is FATAL, which neither unwinds nor jumps: Postgres runs its own clean-up and leaves, and no
//! frame of Rust is returned to. So Rust must not allocate where FATAL would do harm. In a critical
//! section Postgres makes a PANIC of it, as of an ERROR of its own: what is in shared memory is half
//! done, and nothing less would be right. In the callbacks of a commit it would be a PANIC, too, as the
//! transaction can no longer be aborted: **no callback of a transaction's end may allocate**. The one
//! that there is, in `queue/wake.rs`, has all that it needs from before.

// An allocator is unsafe to write, and so is Postgres' C interface without pgrx' guards, which
// allocate.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{c_char, c_int, c_ulong};
use std::sync::atomic::{AtomicBool, Ordering};

use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Whether a helper thread was refused memory: see [`end_for_helper`].
static HELPER_WAS_REFUSED: AtomicBool = AtomicBool::new(false);

/// The system's allocator, which returns only with memory.
struct Allocator;

// SAFETY: that of `System`, which is asked with the same arguments. Nothing here unwinds.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        granted(unsafe { System.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        granted(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        granted(unsafe { System.realloc(block, layout, size) }, size)
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[inline]
fn granted(block: *mut u8, size: usize) -> *mut u8 {
    if block.is_null() {
        refused(size);
    }
    block
}

#[cold]
#[inline(never)]
fn refused(size: usize) -> ! {
    // SAFETY: plain system calls.
    let is_main_thread = unsafe { libc::gettid() == libc::getpid() };
    if is_main_thread {
        end_session(size);
    }
    // A thread that may not call Postgres has the main one end the process, as an administrator would,
    // and keeps still until then. It can hold no lock that the end would wait for: those of malloc are
    // released, and it has its own memory of everything else.
    HELPER_WAS_REFUSED.store(true, Ordering::Relaxed);
    // SAFETY: plain system calls; the signals of this thread are blocked, so it is the main one's.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGTERM);
        loop {
            libc::pause();
        }
    }
}

/// More than the thread-local variables of this library take. The C library makes them when a thread
/// first uses one, and ends the process, and with it all sessions, where it finds no memory for them.
const THREAD_LOCALS: usize = 64 * 1024;

/// Sees to it that this thread gets its thread-local variables, or ends the session. To be called
/// before the first of them is used.
pub fn make_room_for_thread_locals() {
    // Or a compiler that knows malloc would leave it out, as nothing is done with the block.
    // SAFETY: a call of libc.
    let block = std::hint::black_box(unsafe { libc::malloc(THREAD_LOCALS) });
    if block.is_null() {
        refused(THREAD_LOCALS);
    }
    // SAFETY: from malloc, and nobody has seen it.
    unsafe { libc::free(block) };
}

/// Whether there is room for another thread with a stack of that size, and for what it begins with.
pub fn has_room_for_thread(stack: usize) -> bool {
    // Guard page, thread-local variables, and memory of the thread's own for whatever it does.
    let size = stack + (1 << 20);
    // SAFETY: maps memory where nothing is, and takes it away again before anybody has seen it.
    unsafe {
        let room = libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        room != libc::MAP_FAILED && libc::munmap(room, size) == 0
    }
}

/// Ends the session if a helper thread was refused memory, before the SIGTERM that it has sent would:
/// with the reason. To be called by the main thread, where an interrupt may be served.
pub fn end_for_helper() {
    if HELPER_WAS_REFUSED.load(Ordering::Relaxed) {
        end_session(0);
    }
}

/// Ends the session with FATAL. Takes no memory but what Postgres keeps for this.
fn end_session(size: usize) -> ! {
    unsafe extern "C-unwind" {
        fn errstart(level: c_int, domain: *const c_char) -> bool;
        fn errcode(sqlstate: c_int) -> c_int;
        fn errmsg(format: *const c_char, ...) -> c_int;
        fn errdetail(format: *const c_char, ...) -> c_int;
        fn errhint(format: *const c_char, ...) -> c_int;
        fn errfinish(file: *const c_char, line: c_int, function: *const c_char);
        fn proc_exit(code: c_int) -> !;
    }
    // SAFETY: functions of the backend, called on its own thread as ereport(FATAL) calls them, with
    // NUL-terminated texts. None of them returns to a frame of Rust by a jump: what Postgres raises
    // while it reports, or leaves, becomes FATAL as well.
    unsafe {
        // Already leaving: a destructor was refused. Postgres goes on with what is left to do.
        if pg_sys::proc_exit_inprogress {
            proc_exit(1);
        }
        if errstart(pg_sys::FATAL as c_int, std::ptr::null()) {
            errcode(ERRCODE_OUT_OF_MEMORY as c_int);
            errmsg(c"out of memory".as_ptr());
            if size > 0 {
                errdetail(
                    c"neon_auth_admin failed on a request of %lu bytes.".as_ptr(),
                    size as c_ulong,
                );
            } else {
                errdetail(c"A helper thread of neon_auth_admin failed on a request.".as_ptr());
            }
            errhint(
                c"The session ends, as its state is lost. If it was calling Neon to change something, look there before you try again."
                    .as_ptr(),
            );
            errfinish(c"neon_auth_admin".as_ptr(), 0, c"allocator".as_ptr());
        }
        libc::_exit(1)
    }
}
