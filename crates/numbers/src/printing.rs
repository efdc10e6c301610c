//! Numbers as a trunk wants them written.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat};

use crate::permission::emergency_short;
use crate::{Country, E164, NumberFormat, Outbound};

impl Outbound {
    /// A called number as it is dialled there: in the trunk's `number_format`, behind its `prefix`. An emergency number stays short.
    pub fn dialled(&self, number: E164) -> String {
        let written = emergency_short(number).unwrap_or_else(|| self.written(number));
        format!("{}{written}", self.prefix.as_deref().unwrap_or_default())
    }

    /// A calling number as it is shown there: in the trunk's `number_format`.
    pub fn shown(&self, number: E164) -> String {
        self.written(number)
    }

    fn written(&self, number: E164) -> String {
        match self.number_format {
            NumberFormat::PlusE164 => number.to_string(),
            NumberFormat::E164 => number.digits().to_string(),
            NumberFormat::National => {
                let national = self.country.and_then(|country| national(country, number));
                national.unwrap_or_else(|| number.to_string())
            }
        }
    }
}

/// As dialled within the country: its own numbers nationally, those of others behind its international prefix.
///
/// `None` if that would be read as another number there: what reaches the trunk is the number that was permitted.
fn national(country: Country, number: E164) -> Option<String> {
    let region = country.region()?;
    let parsed = PHONE_NUMBER_UTIL.parse(number.to_string(), None).ok()?;
    let text = if PHONE_NUMBER_UTIL.get_country_code_for_region(region) == Some(parsed.country_code) {
        parsed.format_as(PhoneNumberFormat::National).into_owned()
    } else {
        parsed.format_out_of_country_calling_number(region).into_owned()
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_same = |read: &PhoneNumber| E164::parse(&read.format_as(PhoneNumberFormat::E164)) == Ok(number);
    let reading = PHONE_NUMBER_UTIL.parse(&digits, Some(region)).ok();
    reading.as_ref().is_some_and(is_same).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound(text: &str) -> Outbound {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_number_is_written_as_the_trunk_wants_it() {
        for (trunk, number, dialled) in [
            ("", "+442079460000", "+442079460000"),
            ("prefix = '1234'", "+442079460000", "1234+442079460000"),
            ("number_format = 'e164'\nprefix = '1234#'", "+442079460000", "1234#442079460000"),
            ("number_format = 'national'\ncountry = 'GB'", "+442079460000", "02079460000"),
            ("number_format = 'national'\ncountry = 'US'", "+442079460000", "011442079460000"),
            ("number_format = 'national'\ncountry = 'US'\nprefix = '9'", "+14155550100", "94155550100"),
            ("number_format = 'national'\ncountry = 'GB'", "+14155550100", "0014155550100"),
            ("number_format = 'national'\ncountry = 'RU'", "+14155550100", "81014155550100"),
            ("number_format = 'national'\ncountry = 'IT'", "+390612345678", "0612345678"),
            ("number_format = 'national'\ncountry = 'US'", "+18765551234", "8765551234"),
            // What no numbering plan holds can't be told from another number nationally.
            ("number_format = 'national'\ncountry = 'US'", "+999123456789", "+999123456789"),
            ("", "+1911", "911"),
            ("number_format = 'e164'\nprefix = '9'", "+61000", "9000"),
        ] {
            let number = E164::parse(number).unwrap();
            assert_eq!(outbound(trunk).dialled(number), dialled, "{trunk}");
        }
    }

    #[test]
    fn a_calling_number_has_no_prefix() {
        let number = E164::parse("+442079460000").unwrap();
        assert_eq!(outbound("prefix = '1234'").shown(number), "+442079460000");
        assert_eq!(
            outbound("prefix = '1'\nnumber_format = 'national'\ncountry = 'GB'").shown(number),
            "02079460000"
        );
    }
}
