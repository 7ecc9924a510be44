//! How urgent requests are.

/// How urgent a request is. While requests of several classes wait, the most urgent is served first, and each lower
/// class gets at least one turn in eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Class {
    /// Somebody waits for the answer.
    Interactive,
    /// Neither of the others.
    #[default]
    Normal,
    /// Work for the time that the others leave.
    Bulk,
}

impl Class {
    /// All of them, most urgent first.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Normal, Self::Bulk];

    /// The class of vLLM's field `priority`: below 0 interactive, above 0 bulk.
    pub fn of_priority(priority: i64) -> Self {
        match priority {
            ..0 => Self::Interactive,
            0 => Self::Normal,
            1.. => Self::Bulk,
        }
    }

    /// The class of this name: `interactive`, `normal`, `bulk`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// `interactive`, `normal` or `bulk`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Normal => "normal",
            Self::Bulk => "bulk",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_names_and_priorities() {
        assert_eq!([-3, 0, 7].map(Class::of_priority), Class::ALL);
        assert_eq!(Class::ALL.map(|class| Class::named(class.name())), Class::ALL.map(Some));
        assert_eq!(Class::named("urgent"), None);
        assert!(Class::Interactive < Class::Normal && Class::Normal < Class::Bulk);
    }
}
