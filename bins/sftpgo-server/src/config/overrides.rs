//! What the environment sets, put over what the file says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Problem, Source, schema};

/// What is set in the environment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    /// The variable's name and the value, by the path of the key.
    pub(super) keys: BTreeMap<String, (String, Value)>,
    /// The fields that are set of single objects of a list.
    pub(super) fields: Vec<Field>,
}

/// A key of one object of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Path of the list.
    pub(super) list: String,
    /// Which of its objects.
    pub(super) index: usize,
    pub(super) key: String,
    pub(super) variable: String,
    pub(super) value: Value,
}

impl Overrides {
    /// Puts all of it into `values`: what is said of objects last, so that it changes those of the file, or of the variable
    /// that has the whole list. An object behind the last one is added.
    pub(super) fn apply(
        self,
        values: &mut Value,
        sources: &mut BTreeMap<String, Source>,
        problems: &mut Vec<Problem>,
    ) {
        for (key, (variable, value)) in self.keys {
            schema::merge(values, schema::tree_of(&key, value));
            sources.insert(key, Source::Environment(variable));
        }
        let mut fields = self.fields;
        fields.sort_by(|a, b| (&a.list, a.index).cmp(&(&b.list, b.index)));
        for field in fields {
            let Some(list) = schema::list_at(values, &field.list) else {
                continue;
            };
            let tree = schema::tree_of(&field.key, field.value);
            let length = list.len();
            match list.get_mut(field.index) {
                Some(object) => schema::merge(object, tree),
                None if field.index == length => list.push(tree),
                None => {
                    problems.push(Problem::new(
                        &field.variable,
                        format!(
                            "the objects of {} are numbered from 0 without a gap, and there is no {length} before this",
                            field.list
                        ),
                    ));
                    continue;
                }
            }
            sources.insert(field.list, Source::Environment(field.variable));
        }
    }
}
