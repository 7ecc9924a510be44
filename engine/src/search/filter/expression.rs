//! A filter as a tree.

use std::cmp::Ordering;

/// Something that is true, false or null for a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// `and` of two or more.
    All(Vec<Self>),
    /// `or` of two or more.
    Any(Vec<Self>),
    Not(Box<Self>),
    Compare(Comparison, Operand, Operand),
    /// Whether a column equals one of some literals.
    In(Operand, Vec<Operand>),
    Like(Operand, Operand),
    IsNull(Operand),
    /// A boolean column or literal itself.
    Is(Operand),
}

/// Something that is compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Column(String),
    /// As it is written, with its sign.
    Number(String),
    String(String),
    Boolean(bool),
    Null,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Whether it is true of two values in this order.
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }

    /// The same comparison with its sides exchanged.
    pub(super) fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    /// Whether it asks for equality only.
    pub(super) fn is_of_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

impl Expression {
    /// Calls `visit` with the name of each column, as often as it occurs.
    pub(super) fn for_each_column(&self, visit: &mut dyn FnMut(&str)) {
        let mut column = |operand: &Operand| {
            if let Operand::Column(name) = operand {
                visit(name);
            }
        };
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.for_each_column(visit)),
            Self::Not(inner) => inner.for_each_column(visit),
            Self::Compare(_, left, right) | Self::Like(left, right) => {
                column(left);
                column(right);
            }
            Self::In(operand, values) => {
                column(operand);
                values.iter().for_each(column);
            }
            Self::IsNull(operand) | Self::Is(operand) => column(operand),
        }
    }
}
