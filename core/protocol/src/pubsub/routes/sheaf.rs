//! All that hangs at one place, in one piece of memory: in the place itself if it is short, because to read what is far
//! away takes a hundred times as long as to read on.
//!
//! A sheaf is a row of records, each of four parts: its kind and the length of its text; how many words it has; the
//! text; the words. The words of a criterion are its routes in ascending order, or, if these are a *crowd*, the number
//! of the set that has them. One record, the first, may be no criterion's: it has the lengths of the cuts that go on
//! from here, each with how many criteria have it.

use std::{collections::BTreeSet, hint::black_box, ops::Range};

use slab::Slab;

use super::RouteId;
use crate::pubsub::{
    Criterion,
    subject::{ONE, REST, levels, stands_for},
};

/// The most routes in a record. To put one in moves all others, and the rest of the sheaf.
const ROW: usize = 64;
/// The longest sheaf that lies in its place: a name of thirty bytes and ten routes.
const SHORT: usize = 78;
const WORD: usize = size_of::<u32>();
const HEAD: usize = 2 * WORD;

/// Bits in the first word of a record. The length is in those above.
const KIND: u32 = 0b11;
const CROWD: u32 = 0b100;
const LENGTH: u32 = 3;

/// The routes of criteria that have many.
pub(super) type Crowds = Slab<BTreeSet<RouteId>>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Cuts,
    Prefix,
    Pattern,
    /// A pattern that stands for itself alone.
    Name,
}

impl Kind {
    fn of(criterion: &Criterion) -> Self {
        match criterion {
            Criterion::Prefix(_) => Self::Prefix,
            Criterion::Pattern(text) if levels(text).any(|level| level == ONE || level == REST) => Self::Pattern,
            Criterion::Pattern(_) => Self::Name,
        }
    }
}

#[derive(Clone, Copy)]
struct Record<'a> {
    /// Where it begins.
    at: usize,
    kind: Kind,
    is_crowd: bool,
    text: &'a [u8],
    words: &'a [u8],
}

impl<'a> Record<'a> {
    /// The one that begins here, if one does.
    fn read(bytes: &'a [u8], at: usize) -> Option<Self> {
        let (head, rest) = bytes.get(at..)?.split_at_checked(HEAD)?;
        let (first, count) = (word(&head[..WORD]), word(&head[WORD..]) as usize);
        let kind = match first & KIND {
            0 => Kind::Cuts,
            1 => Kind::Prefix,
            2 => Kind::Pattern,
            _ => Kind::Name,
        };
        let (text, rest) = rest.split_at((first >> LENGTH) as usize);
        Some(Self { at, kind, is_crowd: first & CROWD != 0, text, words: &rest[..count * WORD] })
    }

    fn bytes(kind: Kind, is_crowd: bool, text: &[u8], words: &[u32]) -> Vec<u8> {
        let first = (text.len() as u32) << LENGTH | if is_crowd { CROWD } else { 0 } | kind as u32;
        let mut bytes = Vec::with_capacity(HEAD + text.len() + words.len() * WORD);
        bytes.extend(first.to_le_bytes());
        bytes.extend((words.len() as u32).to_le_bytes());
        bytes.extend(text);
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        bytes
    }

    fn range(&self) -> Range<usize> {
        self.at..self.words_at() + self.words.len()
    }

    fn words_at(&self) -> usize {
        self.at + HEAD + self.text.len()
    }

    fn words(&self) -> impl Iterator<Item = u32> {
        self.words.chunks_exact(WORD).map(word)
    }

    /// The number of the crowd that has its routes.
    fn crowd(&self) -> Option<usize> {
        self.is_crowd.then(|| word(self.words) as usize)
    }

    fn is(&self, criterion: &Criterion) -> bool {
        let is_prefix = matches!(criterion, Criterion::Prefix(_));
        self.kind != Kind::Cuts && (self.kind == Kind::Prefix) == is_prefix && self.text == &criterion.text()[..]
    }

    fn matches(&self, subject: &[u8]) -> bool {
        match self.kind {
            Kind::Cuts => false,
            Kind::Prefix => subject.starts_with(self.text),
            Kind::Pattern => stands_for(self.text, subject),
            Kind::Name => subject == self.text,
        }
    }
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("a word has four bytes"))
}

#[derive(Debug)]
pub(super) enum Sheaf {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

impl Default for Sheaf {
    fn default() -> Self {
        Self::Short { length: 0, bytes: [0; SHORT] }
    }
}

impl Sheaf {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// Begins to read where a short one ends.
    pub(super) fn touch(&self) {
        if let Self::Short { bytes, .. } = self {
            black_box(bytes[SHORT - 1]);
        }
    }

    /// Begins to read a long one.
    pub(super) fn touch_long(&self) {
        if let Self::Long(bytes) = self {
            black_box((bytes.first().copied(), bytes.last().copied()));
        }
    }

    /// Whether a criterion hangs here.
    pub(super) fn has(&self, criterion: &Criterion) -> bool {
        self.records().any(|record| record.is(criterion))
    }

    /// Hangs up a criterion that does not hang here, with its first route.
    pub(super) fn hang(&mut self, criterion: &Criterion, id: RouteId) {
        let end = self.bytes().len();
        self.replace(end..end, &Record::bytes(Kind::of(criterion), false, criterion.text(), &[id]));
    }

    /// Puts in a route of a criterion that hangs here. False if it is there.
    pub(super) fn insert(&mut self, crowds: &mut Crowds, criterion: &Criterion, id: RouteId) -> bool {
        let record = self.find(criterion);
        if let Some(crowd) = record.crowd() {
            return crowds[crowd].insert(id);
        }
        let mut ids: Vec<_> = record.words().collect();
        let Err(index) = ids.binary_search(&id) else { return false };
        ids.insert(index, id);
        let bytes = if ids.len() <= ROW {
            Record::bytes(record.kind, false, record.text, &ids)
        } else {
            let crowd = crowds.insert(ids.into_iter().collect());
            Record::bytes(record.kind, true, record.text, &[crowd as u32])
        };
        self.replace(record.range(), &bytes);
        true
    }

    /// Takes out a route of a criterion that hangs here, and with the last the criterion. False if it is not there.
    pub(super) fn remove(&mut self, crowds: &mut Crowds, criterion: &Criterion, id: RouteId) -> bool {
        let record = self.find(criterion);
        let mut ids: Vec<_>;
        if let Some(crowd) = record.crowd() {
            let was_there = crowds[crowd].remove(&id);
            if crowds[crowd].len() > ROW / 2 {
                return was_there;
            }
            ids = crowds.remove(crowd).into_iter().collect();
        } else {
            ids = record.words().collect();
            let Ok(index) = ids.binary_search(&id) else { return false };
            ids.remove(index);
        }
        let bytes = if ids.is_empty() { Vec::new() } else { Record::bytes(record.kind, false, record.text, &ids) };
        self.replace(record.range(), &bytes);
        true
    }

    /// The routes of those criteria here that ask for a subject.
    pub(super) fn tell(&self, crowds: &Crowds, subject: &[u8], found: &mut impl FnMut(RouteId)) {
        for record in self.records().filter(|record| record.matches(subject)) {
            match record.crowd() {
                Some(crowd) => crowds[crowd].iter().copied().for_each(&mut *found),
                None => record.words().for_each(&mut *found),
            }
        }
    }

    /// The lengths of the cuts that go on from here, in ascending order, and how many criteria have each.
    pub(super) fn cuts(&self) -> impl Iterator<Item = (u32, u32)> {
        let words = self.cut_record().map_or(&[][..], |record| record.words);
        words.chunks_exact(2 * WORD).map(|pair| (word(&pair[..WORD]), word(&pair[WORD..])))
    }

    /// One criterion more has a cut of this length, or one less.
    pub(super) fn count_cut(&mut self, length: u32, is_more: bool) {
        let mut cuts: Vec<_> = self.cuts().collect();
        match cuts.binary_search_by_key(&length, |(length, _)| *length) {
            Ok(index) if is_more => cuts[index].1 += 1,
            Err(index) if is_more => cuts.insert(index, (length, 1)),
            Ok(index) if cuts[index].1 > 1 => cuts[index].1 -= 1,
            Ok(index) => drop(cuts.remove(index)),
            Err(_) => unreachable!("what goes on no more went on before"),
        }
        let range = self.cut_record().map_or(0..0, |record| record.range());
        let words: Vec<_> = cuts.into_iter().flat_map(|(length, count)| [length, count]).collect();
        let bytes = if words.is_empty() { Vec::new() } else { Record::bytes(Kind::Cuts, false, &[], &words) };
        self.replace(range, &bytes);
    }

    fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let next = |record: &Record<'_>| Record::read(self.bytes(), record.range().end);
        std::iter::successors(Record::read(self.bytes(), 0), next)
    }

    fn cut_record(&self) -> Option<Record<'_>> {
        Record::read(self.bytes(), 0).filter(|record| record.kind == Kind::Cuts)
    }

    fn find(&self, criterion: &Criterion) -> Record<'_> {
        self.records().find(|record| record.is(criterion)).expect("it hangs here")
    }

    fn replace(&mut self, range: Range<usize>, bytes: &[u8]) {
        let old = self.bytes();
        let bytes = [&old[..range.start], bytes, &old[range.end..]].concat();
        *self = match u8::try_from(bytes.len()) {
            Ok(length) if bytes.len() <= SHORT => {
                let mut short = [0; SHORT];
                short[..bytes.len()].copy_from_slice(&bytes);
                Self::Short { length, bytes: short }
            }
            _ => Self::Long(bytes.into()),
        };
    }
}
