//! A handle in the child of a fork says so and leaves the parent's connections alone.

mod support;

use support::{bound, open, watchdog};
use zpatterns_engine::{Context, Deadline, ErrorKind, SocketKind, SocketOptions};

#[test]
fn a_child_refuses_its_parents_handles_and_can_open_its_own() {
    for options in [SocketOptions::default(), SocketOptions::background()] {
        let context = Context::new().expect("a context");
        let (pull, endpoint) = bound(&context, SocketKind::Pull, &options);
        let push = open(&context, SocketKind::Push, &options);
        push.connect(&endpoint).expect("connects");
        push.send(b"before", &watchdog()).expect("sends");
        assert_eq!(pull.recv(&watchdog()).expect("receives").payload(), b"before");

        // SAFETY: the child calls only our code and ends with _exit, without running the test harness.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "fork works");
        if child == 0 {
            let outcome = std::panic::catch_unwind(move || {
                assert_eq!(push.send(b"x", &Deadline::now()).expect_err("forked").kind(), ErrorKind::Forked);
                assert_eq!(pull.recv(&Deadline::now()).expect_err("forked").kind(), ErrorKind::Forked);
                let error = context.socket(SocketKind::Push, &options).expect_err("forked");
                assert_eq!(error.kind(), ErrorKind::Forked);
                pull.close(None);
                drop((pull, push, context));
                let own = Context::new().expect("a context of the child's own");
                let push = open(&own, SocketKind::Push, &SocketOptions::default());
                push.connect(&endpoint).expect("connects");
                push.send(b"from the child", &watchdog()).expect("sends");
            });
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(i32::from(outcome.is_err())) };
        }
        assert_eq!(pull.recv(&watchdog()).expect("receives").payload(), b"from the child");
        let mut status = 0;
        // SAFETY: waits for our child.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0, "the child failed");
        push.send(b"after", &watchdog()).expect("the parent's connection still works");
        assert_eq!(pull.recv(&watchdog()).expect("receives").payload(), b"after");
    }
}
