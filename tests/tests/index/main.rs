//! Indexes: whatever their history, a search returns what it returns of an index that was built at once.

mod damage;
mod history;
mod inputs;
mod rules;
mod support;
