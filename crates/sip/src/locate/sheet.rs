//! The questions of one stage: each is asked once, CNAMEs are followed.

use super::MAX_ALIASES;
use super::question::{Answer, Kind, Question, Trouble};

#[derive(Default, Debug)]
pub(super) struct Sheet {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    subject: Question,
    asked: Question,
    aliases: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Unasked,
    Asked,
    Answered(Answer),
}

impl Sheet {
    pub(super) fn new(questions: impl IntoIterator<Item = Question>) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        for subject in questions {
            if lines.iter().all(|line| line.subject != subject) {
                lines.push(Line { asked: subject.clone(), subject, aliases: 0, state: State::Unasked });
            }
        }
        Self { lines }
    }

    /// The next question to ask.
    pub(super) fn ask(&mut self) -> Option<Question> {
        let line = self.lines.iter_mut().find(|line| matches!(line.state, State::Unasked))?;
        line.state = State::Asked;
        Some(line.asked.clone())
    }

    pub(super) fn is_answered(&self) -> bool {
        self.lines.iter().all(|line| matches!(line.state, State::Answered(_)))
    }

    pub(super) fn answer(&mut self, question: &Question, answer: &Answer) {
        for line in &mut self.lines {
            if line.asked == *question && matches!(line.state, State::Asked) {
                line.hear(answer.clone());
            }
        }
    }

    /// Nothing more will come.
    pub(super) fn give_up(&mut self) {
        for line in &mut self.lines {
            if !matches!(line.state, State::Answered(_)) {
                line.state = State::Answered(Answer::Failed(Trouble::Timeout));
            }
        }
    }

    /// What was said about a name; `None` if nothing was asked.
    pub(super) fn said(&self, kind: Kind, name: &str) -> Option<&Answer> {
        let line = self.lines.iter().find(|line| line.subject.kind == kind && line.subject.name == name)?;
        match &line.state {
            State::Answered(answer) => Some(answer),
            State::Unasked | State::Asked => None,
        }
    }

    /// What went wrong first, and with which name.
    pub(super) fn trouble(&self) -> Option<(&Question, &Trouble)> {
        self.lines.iter().find_map(|line| match &line.state {
            State::Answered(Answer::Failed(trouble)) => Some((&line.subject, trouble)),
            State::Answered(_) | State::Unasked | State::Asked => None,
        })
    }
}

impl Line {
    fn hear(&mut self, answer: Answer) {
        self.state = match answer {
            Answer::Alias(_) if self.aliases == MAX_ALIASES => {
                State::Answered(Answer::Failed(Trouble::Aliases))
            }
            Answer::Alias(name) => {
                self.aliases += 1;
                self.asked = Question::whole(self.subject.kind, &name);
                State::Unasked
            }
            answer @ (Answer::Naptr(_)
            | Answer::Srv(_)
            | Answer::Addresses(_)
            | Answer::Absent(_)
            | Answer::Failed(_)) => State::Answered(answer.bounded()),
        };
    }
}
