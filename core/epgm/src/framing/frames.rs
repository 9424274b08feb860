//! The frames of a message, in a block that holds others, too.

/// Frames that stand one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct Frames<'a> {
    /// From the first frame on.
    data: &'a [u8],
    /// Where in the block `data` begins, and where in it each frame ends.
    start: usize,
    ends: Ends<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Ends<'a> {
    /// There is one frame, and it is all.
    One,
    Each(&'a [usize]),
}

impl<'a> Frames<'a> {
    /// One frame.
    pub fn one(frame: &'a [u8]) -> Self {
        Self { data: frame, start: 0, ends: Ends::One }
    }

    /// Frames that stand in `data` and end there, ascending; the last at its end or before.
    pub fn new(data: &'a [u8], ends: &'a [usize]) -> Self {
        Self { data, start: 0, ends: Ends::Each(ends) }
    }

    /// Frames in the middle of a block: `ends` count from its beginning, and the first frame begins at `start`.
    pub(crate) fn within(block: &'a [u8], start: usize, ends: &'a [usize]) -> Self {
        Self { data: &block[start..], start, ends: Ends::Each(ends) }
    }

    /// How many.
    pub fn len(&self) -> usize {
        match self.ends {
            Ends::One => 1,
            Ends::Each(ends) => ends.len(),
        }
    }

    /// Whether there is none; no message is so.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame at a place.
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        let ends = match self.ends {
            Ends::One => return (index == 0).then_some(self.data),
            Ends::Each(ends) => ends,
        };
        let end = ends.get(index)?;
        let begin = index.checked_sub(1).map_or(self.start, |before| ends[before]);
        Some(&self.data[begin - self.start..end - self.start])
    }

    /// One after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let frames = *self;
        (0..self.len()).map(move |index| frames.get(index).expect("it is one of them"))
    }
}
