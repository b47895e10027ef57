//! The order of a crate's rooms, as the document has it.

/// One crate's rooms.
pub(crate) struct Table {
    /// Where the crate's sources are, from the workspace.
    pub(crate) root: String,
    pub(crate) rooms: Vec<Room>,
}

/// A module with all that is below it, except what is a room of its own.
pub(crate) struct Room {
    /// Its path, with slashes.
    pub(crate) name: String,
    /// The lowest is 0.
    pub(crate) layer: usize,
}

impl Table {
    /// The tables of the chapter "Layers": a heading names the sources, and the first column of a row the rooms of a
    /// layer, the lowest first.
    pub(crate) fn all_in(document: &str) -> Vec<Self> {
        let mut tables: Vec<Self> = Vec::new();
        let chapter = document
            .lines()
            .skip_while(|line| *line != "## Layers")
            .skip(1)
            .take_while(|line| !line.starts_with("## "));
        let mut layer = 0;
        for line in chapter {
            if line.starts_with("### ") {
                let root = names_in(line).concat();
                tables.push(Self {
                    root,
                    rooms: Vec::new(),
                });
                layer = 0;
            } else if let Some(table) = tables.last_mut()
                && line.starts_with("| `")
            {
                let cell = line.split('|').nth(1).unwrap_or_default();
                let rooms = names_in(cell).into_iter();
                table.rooms.extend(rooms.map(|name| Room { name, layer }));
                layer += 1;
            }
        }
        tables
    }

    /// The room that a path of modules and items is in: the longest that the path begins with.
    pub(crate) fn room_of(&self, path: &[String]) -> Option<&Room> {
        let is_in = |room: &&Room| {
            let modules: Vec<&str> = room.name.split('/').collect();
            path.len() >= modules.len() && modules.iter().zip(path).all(|(a, b)| a == b)
        };
        self.rooms
            .iter()
            .filter(is_in)
            .max_by_key(|room| room.name.len())
    }
}

/// What stands in backticks.
fn names_in(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}
