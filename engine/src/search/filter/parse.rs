//! SQL's text to a tree, by sqlparser. Whatever filters do not have is refused with its place.

use sqlparser::ast::{BinaryOperator, Expr, InTarget, Spanned, UnaryOperator, Value};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::expression::{Comparison, Expression, Operand};
use crate::error::shorten;
use crate::{Error, Result};

/// Most words and signs of a filter, literals, commas and blanks not counted: each may make the tree one deeper, and
/// trees are walked recursively.
const MAX_SIGNS: usize = 2000;
/// Most parentheses inside each other.
const MAX_DEPTH: usize = 50;

const SUPPORTED: &str = "a filter has columns, numbers, 'strings', true, false, null, = <> < <= > >=, in (..), between .. and \
     .., like '..', is null, and, or, not and parentheses";

/// Parses a filter.
pub(super) fn parse(text: &str) -> Result<Expression> {
    let tokens = Tokenizer::new(&GenericDialect, text).tokenize_with_location();
    let tokens = tokens.map_err(|error| refuse(&error.message, Some(error.location)))?;
    check_size(&tokens)?;
    let mut parser =
        Parser::new(&GenericDialect).with_recursion_limit(MAX_DEPTH).with_tokens_with_locations(tokens);
    let parsed = parser.parse_expr().map_err(of_parser)?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let found = rest.token.to_string();
        return Err(refuse(&format!("`{}` is after its end", shorten(&found)), Some(rest.span.start)));
    }
    expression(parsed)
}

fn check_size(tokens: &[TokenWithSpan]) -> Result<()> {
    let is_sign = |token: &&TokenWithSpan| {
        !matches!(
            token.token,
            Token::Whitespace(_) | Token::Comma | Token::Number(..) | Token::SingleQuotedString(_)
        )
    };
    match tokens.iter().filter(is_sign).nth(MAX_SIGNS) {
        None => Ok(()),
        Some(token) => {
            let rule = format!("it has more than {MAX_SIGNS} words and signs");
            Err(refuse(&rule, Some(token.span.start)))
        }
    }
}

/// A filter that cannot be used, and the place.
fn refuse(rule: &str, place: Option<Location>) -> Error {
    let place = match place {
        Some(Location { line: 1, column }) if column > 0 => format!(" at character {column}"),
        Some(Location { line, column }) if line > 0 => format!(" at line {line}, character {column}"),
        _ => String::new(),
    };
    Error::usage_hint(format!("the filter cannot be used{place}: {rule}"), SUPPORTED)
}

/// sqlparser's message, whose place is at its end.
fn of_parser(error: ParserError) -> Error {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            return refuse(&format!("it has more than {MAX_DEPTH} parentheses inside each other"), None);
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let (rule, place) = message.split_once(" at Line: ").unwrap_or((&message, ""));
    let mut numbers = place.split(", Column: ").map(|number| number.parse().ok());
    let place = match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(line), Some(column)) => Some(Location { line, column }),
        _ => None,
    };
    let rule = rule.replace("found: EOF", "found: its end").replace(char::is_control, " ");
    refuse(&rule, place)
}

fn unsupported(expression: &Expr) -> Error {
    let found = expression.to_string().replace(char::is_control, " ");
    refuse(
        &format!("`{}` is not something that filters have", shorten(&found)),
        Some(expression.span().start),
    )
}

fn expression(parsed: Expr) -> Result<Expression> {
    let negated_if = |negated: bool, inner: Expression| match negated {
        true => Expression::Not(Box::new(inner)),
        false => inner,
    };
    match parsed {
        Expr::Nested(inner) => expression(*inner),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(Expression::Not(Box::new(expression(*expr)?))),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            Ok(Expression::And(Box::new(expression(*left)?), Box::new(expression(*right)?)))
        }
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
            Ok(Expression::Or(Box::new(expression(*left)?), Box::new(expression(*right)?)))
        }
        Expr::BinaryOp { ref left, ref op, ref right } => match comparison(op) {
            Some(comparison) => Ok(Expression::Compare(comparison, operand(left)?, operand(right)?)),
            None => Err(unsupported(&parsed)),
        },
        Expr::IsNull(inner) => Ok(Expression::IsNull(operand(&inner)?)),
        Expr::IsNotNull(inner) => Ok(negated_if(true, Expression::IsNull(operand(&inner)?))),
        Expr::Between { expr, negated, low, high } => {
            let value = operand(&expr)?;
            let low = Expression::Compare(Comparison::GreaterOrEqual, value.clone(), operand(&low)?);
            let high = Expression::Compare(Comparison::LessOrEqual, value, operand(&high)?);
            Ok(negated_if(negated, Expression::And(Box::new(low), Box::new(high))))
        }
        Expr::In { expr, target: InTarget::List(list), negated, global: false } => {
            let values = list.iter().map(operand).collect::<Result<_>>()?;
            Ok(negated_if(negated, Expression::In(operand(&expr)?, values)))
        }
        Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
            Ok(negated_if(negated, Expression::Like(operand(&expr)?, operand(&pattern)?)))
        }
        Expr::Identifier(_) | Expr::Value(_) => Ok(Expression::Is(operand(&parsed)?)),
        other => Err(unsupported(&other)),
    }
}

fn comparison(operator: &BinaryOperator) -> Option<Comparison> {
    Some(match operator {
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn operand(parsed: &Expr) -> Result<Operand> {
    let number = |value: &Expr| match value {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, false) => Some(digits.clone()),
            _ => None,
        },
        _ => None,
    };
    Ok(match parsed {
        Expr::Nested(inner) => operand(inner)?,
        Expr::Identifier(name) => Operand::Column(name.value.clone()),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match number(expr) {
            Some(digits) => Operand::Number(format!("-{digits}")),
            None => return Err(unsupported(parsed)),
        },
        Expr::Value(value) => match &value.value {
            Value::Number(digits, false) => Operand::Number(digits.clone()),
            Value::SingleQuotedString(text) => Operand::String(text.clone()),
            Value::Boolean(value) => Operand::Boolean(*value),
            Value::Null => Operand::Null,
            _ => return Err(unsupported(parsed)),
        },
        Expr::CompoundIdentifier(parts) => {
            let name = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
            let rule = format!("a name with a dot is written in double quotes: \"{}\"", shorten(&name));
            return Err(refuse(&rule, Some(parsed.span().start)));
        }
        other => return Err(unsupported(other)),
    })
}
