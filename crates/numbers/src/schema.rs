//! Schemas of the types that serialise themselves in their own way. The others derive theirs.

use std::borrow::Cow;

use utoipa::openapi::schema::{Array, ObjectBuilder, OneOfBuilder, Ref, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::inventory::NumberFields;
use crate::{
    AllowedCountries, Country, DidSource, E164, Kept, Number, Password, Secret, SecretEnv, SecretFile,
};

/// An IP network, or an address that is the network of one host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network;

/// The name of a header that we add to a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct HeaderName;

impl PartialSchema for E164 {
    fn schema() -> RefOr<Schema> {
        text("An international telephone number (E.164).", r"^\+[1-9][0-9]{0,14}$", "+14155550100")
    }
}

impl ToSchema for E164 {}

impl PartialSchema for Country {
    fn schema() -> RefOr<Schema> {
        text("Two letters of ISO 3166.", "^[A-Za-z]{2}$", "US")
    }
}

impl ToSchema for Country {}

impl PartialSchema for DidSource {
    fn schema() -> RefOr<Schema> {
        let pattern = r"^(auto|request-uri|to|p-called-party-id|header:[A-Za-z0-9.!%*_+`'~-]+)$";
        text("Where in an INVITE the called number stands.", pattern, "auto")
    }
}

impl ToSchema for DidSource {}

impl PartialSchema for Network {
    fn schema() -> RefOr<Schema> {
        let pattern =
            r"^([0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/[0-9]{1,3})?)$";
        let words = "An IP network, no bit set behind its prefix; or the address of one host.";
        text(words, pattern, "203.0.113.0/28")
    }
}

impl ToSchema for Network {}

impl PartialSchema for HeaderName {
    fn schema() -> RefOr<Schema> {
        text("The name of a header.", "^[A-Za-z0-9.!%*_+`'~-]{2,64}$", "X-Account")
    }
}

impl ToSchema for HeaderName {}

impl PartialSchema for AllowedCountries {
    fn schema() -> RefOr<Schema> {
        let everywhere = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .enum_values(Some(["worldwide"]))
            .build();
        let entry = text(
            "A country, or a non-geographic code.",
            r"^(worldwide|[A-Za-z]{2}|\+[1-9][0-9]{0,2})$",
            "US",
        );
        let words = "Every country that has telephones, or those of a list; an empty one allows nothing.";
        one_of(OneOfBuilder::new().item(everywhere).item(Array::new(entry)).description(Some(words)))
    }
}

impl ToSchema for AllowedCountries {}

impl PartialSchema for Secret {
    fn schema() -> RefOr<Schema> {
        let words = "A secret, or the file or environment variable of the daemon that holds it.";
        let given = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build();
        let file = Ref::from_schema_name("SecretFile");
        let variable = Ref::from_schema_name("SecretEnv");
        one_of(OneOfBuilder::new().item(given).item(file).item(variable).description(Some(words)))
    }
}

impl ToSchema for Secret {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((SecretFile::name().into(), SecretFile::schema()));
        schemas.push((SecretEnv::name().into(), SecretEnv::schema()));
    }
}

impl PartialSchema for Password {
    fn schema() -> RefOr<Schema> {
        let words = "A password that is shown to us, or what is kept of it.";
        let given = Ref::from_schema_name("Secret");
        let kept = Ref::from_schema_name("Kept");
        one_of(OneOfBuilder::new().item(given).item(kept).description(Some(words)))
    }
}

impl ToSchema for Password {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Secret::schemas(schemas);
        schemas.push((Secret::name().into(), Secret::schema()));
        Kept::schemas(schemas);
        schemas.push((Kept::name().into(), Kept::schema()));
    }
}

impl PartialSchema for Number {
    fn schema() -> RefOr<Schema> {
        NumberFields::schema()
    }
}

impl ToSchema for Number {
    fn name() -> Cow<'static, str> {
        NumberFields::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        NumberFields::schemas(schemas);
    }
}

fn one_of(items: OneOfBuilder) -> RefOr<Schema> {
    RefOr::T(Schema::OneOf(items.build()))
}

fn text(words: &str, pattern: &str, example: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(words))
        .pattern(Some(pattern))
        .examples([example])
        .build()
        .into()
}
