//! Why what was accepted was lost: each pattern has reasons of its own, in one form.

/// Writes the reasons, their names and their number from one list.
macro_rules! reasons {
    ($(#[doc = $about:literal])+ $type:ident $($(#[doc = $doc:literal])+ $name:ident = $text:literal;)*) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum $type {
            $($(#[doc = $doc])+ $name,)*
        }

        impl $type {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in counters.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

pub(crate) use reasons;
