//! Values as C has them. The header generator reads this file, too, for the initialisers.

use std::time::Duration;

use zpatterns::{
    BusFlowControl,
    pubsub::{Slow, Start},
    reqrep::Balance,
    zqueue::Order,
};

/// A value as C has it: a number of eight bytes, whatever it is.
pub(crate) trait Plain {
    /// Milliseconds, a count, or the number of a choice.
    fn plain(&self) -> i64;
}

impl Plain for Duration {
    fn plain(&self) -> i64 {
        i64::try_from(self.as_millis()).unwrap_or(i64::MAX)
    }
}

impl Plain for usize {
    fn plain(&self) -> i64 {
        i64::try_from(*self).unwrap_or(i64::MAX)
    }
}

impl Plain for u32 {
    fn plain(&self) -> i64 {
        i64::from(*self)
    }
}

impl Plain for u64 {
    fn plain(&self) -> i64 {
        i64::try_from(*self).unwrap_or(i64::MAX)
    }
}

impl Plain for u8 {
    fn plain(&self) -> i64 {
        i64::from(*self)
    }
}

impl Plain for u16 {
    fn plain(&self) -> i64 {
        i64::from(*self)
    }
}

impl Plain for bool {
    fn plain(&self) -> i64 {
        i64::from(*self)
    }
}

/// The numbers are those of `zpat_bus_flow_control_t`.
impl Plain for BusFlowControl {
    fn plain(&self) -> i64 {
        match self {
            Self::None => 0,
            Self::Slowest => 1,
            Self::Tagged => 2,
        }
    }
}

/// The numbers are those of `zpat_balance_t`.
impl Plain for Balance {
    fn plain(&self) -> i64 {
        match self {
            Self::LeastRecentlyUsed => 0,
            Self::MostFree => 1,
            Self::Sticky => 2,
            Self::Custom(_) => -1,
        }
    }
}

/// The numbers are those of `zpat_order_t`.
impl Plain for Order {
    fn plain(&self) -> i64 {
        match self {
            Self::Depth => 0,
            Self::Fifo => 1,
            Self::Lifo => 2,
            Self::Priority => 3,
        }
    }
}

/// The numbers are those of `zpat_slow_t`.
impl Plain for Slow {
    fn plain(&self) -> i64 {
        match self {
            Self::Hold => 0,
            Self::Drop => 1,
            Self::Disconnect => 2,
            Self::Spill => 3,
        }
    }
}

/// The numbers are those of `zpat_start_t`.
impl Plain for Start {
    fn plain(&self) -> i64 {
        match self {
            Self::Now => 0,
            Self::LastValues => 1,
            Self::Last(_) => 2,
        }
    }
}
