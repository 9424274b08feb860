//! Several roles as one type, because a world holds machines of one type.

/// Makes an enum of machines a machine, with enums of their commands and events.
///
/// ```
/// # use zpatterns_protocol::reqrep::{Client, ClientCommand, ClientEvent, Worker, WorkerCommand, WorkerEvent};
/// zpatterns_simulator::parties! {
///     Client(Client, ClientCommand, ClientEvent),
///     Worker(Worker, WorkerCommand, WorkerEvent),
/// }
/// # let _ = |party: Party| matches!(party, Party::Client(_));
/// ```
#[macro_export]
macro_rules! parties {
    ($($role:ident($machine:ty, $command:ty, $event:ty)),* $(,)?) => {
        /// One of the roles.
        pub(crate) enum Party {
            $($role(Box<$machine>),)*
        }

        /// What one of them is told.
        #[derive(Debug)]
        pub(crate) enum Command {
            $($role($command),)*
        }

        /// What one of them tells.
        #[derive(Debug)]
        pub(crate) enum Event {
            $($role($event),)*
        }

        impl ::zpatterns_protocol::Machine for Party {
            type Command = Command;
            type Event = Event;

            fn handle(&mut self, now: ::zpatterns_protocol::Time, input: ::zpatterns_protocol::machine::Input<Command>) {
                match self {
                    $(Self::$role(machine) => machine.handle(now, input.map(|command| match command {
                        Command::$role(command) => command,
                        #[allow(unreachable_patterns)]
                        other => panic!("somebody else was meant: {other:?}"),
                    })),)*
                }
            }

            fn poll(&mut self) -> Option<::zpatterns_protocol::machine::Output<Event>> {
                match self {
                    $(Self::$role(machine) => machine.poll().map(|output| output.map(Event::$role)),)*
                }
            }

            fn deadline(&self) -> Option<::zpatterns_protocol::Time> {
                match self {
                    $(Self::$role(machine) => machine.deadline(),)*
                }
            }
        }
    };
}
