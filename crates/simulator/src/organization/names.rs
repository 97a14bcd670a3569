//! The people of the organization: names from several languages, each with the ASCII form that
//! logon names are made of.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// A person as the directory knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// Common name, as people of that country write it: may hold a comma.
    pub(super) name: String,
    /// ASCII given name.
    pub(super) given: &'static str,
    /// ASCII family name.
    pub(super) family: &'static str,
}

/// How a country writes names down.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// `Ocampo, Jorge`
    FamilyCommaGiven,
    /// `Jorge Ocampo`
    GivenFamily,
    /// `王伟`
    FamilyGivenTogether,
    /// `Nguyễn Hoa`
    FamilyGiven,
}

/// Names with their ASCII forms.
type Names = &'static [(&'static str, &'static str)];

struct Country {
    weight: u32,
    order: Order,
    given: Names,
    family: Names,
}

/// A person, by chance.
pub(super) fn person(chance: &mut ChaCha8Rng) -> Person {
    let total: u32 = COUNTRIES.iter().map(|country| country.weight).sum();
    let mut ticket = chance.random_range(0..total);
    let country = COUNTRIES
        .iter()
        .find(|country| {
            let won = ticket < country.weight;
            ticket = ticket.saturating_sub(country.weight);
            won
        })
        .unwrap_or(&COUNTRIES[0]);
    let (given, given_ascii) = country.given[chance.random_range(0..country.given.len())];
    let (family, family_ascii) = country.family[chance.random_range(0..country.family.len())];
    let name = match country.order {
        Order::FamilyCommaGiven => format!("{family}, {given}"),
        Order::GivenFamily => format!("{given} {family}"),
        Order::FamilyGivenTogether => format!("{family}{given}"),
        Order::FamilyGiven => format!("{family} {given}"),
    };
    Person { name, given: given_ascii, family: family_ascii }
}

const COUNTRIES: &[Country] = &[
    Country {
        weight: 40,
        order: Order::FamilyCommaGiven,
        given: &[
            ("Jörg", "joerg"),
            ("Björn", "bjoern"),
            ("Anna", "anna"),
            ("Käthe", "kaethe"),
            ("Lukas", "lukas"),
            ("Sabine", "sabine"),
            ("Günther", "guenther"),
            ("Mia", "mia"),
            ("Jürgen", "juergen"),
            ("Heike", "heike"),
            ("Matthias", "matthias"),
            ("Zoë", "zoe"),
        ],
        family: &[
            ("Müller", "mueller"),
            ("Schröder", "schroeder"),
            ("Weiß", "weiss"),
            ("Groß-Bölting", "gross-boelting"),
            ("Fischer", "fischer"),
            ("Köhler", "koehler"),
            ("Bäcker", "baecker"),
            ("von der Heydt", "vonderheydt"),
            ("Schmidt", "schmidt"),
            ("Jäger", "jaeger"),
            ("Krüger", "krueger"),
            ("Hoffmann", "hoffmann"),
        ],
    },
    Country {
        weight: 25,
        order: Order::GivenFamily,
        given: &[
            ("Jane", "jane"),
            ("Siobhán", "siobhan"),
            ("Liam", "liam"),
            ("Olivia", "olivia"),
            ("Tony", "tony"),
            ("Chloé", "chloe"),
            ("Mary-Ann", "mary-ann"),
            ("Ewan", "ewan"),
            ("Grace", "grace"),
            ("Oluwaseun", "oluwaseun"),
        ],
        family: &[
            ("O'Brien", "obrien"),
            ("Smith", "smith"),
            ("MacLeod", "macleod"),
            ("Redmond", "redmond"),
            ("Taylor & Sons", "taylor"),
            ("Ó Súilleabháin", "osuilleabhain"),
            ("Baker", "baker"),
            ("Fitzgerald-Jones", "fitzgerald-jones"),
            ("Adeyemi", "adeyemi"),
            ("King", "king"),
        ],
    },
    Country {
        weight: 10,
        order: Order::FamilyCommaGiven,
        given: &[
            ("Jorge", "jorge"),
            ("Begoña", "begona"),
            ("José María", "josemaria"),
            ("Íñigo", "inigo"),
            ("Lucía", "lucia"),
            ("João", "joao"),
        ],
        family: &[
            ("Ocampo", "ocampo"),
            ("Núñez", "nunez"),
            ("García Márquez", "garcia"),
            ("Gonçalves", "goncalves"),
            ("Ibáñez", "ibanez"),
            ("Peña", "pena"),
        ],
    },
    Country {
        weight: 12,
        order: Order::FamilyGivenTogether,
        given: &[
            ("伟", "wei"),
            ("芳", "fang"),
            ("秀英", "xiuying"),
            ("磊", "lei"),
            ("静", "jing"),
            ("建国", "jianguo"),
            ("丽", "li"),
            ("小龙", "xiaolong"),
        ],
        family: &[
            ("王", "wang"),
            ("李", "li"),
            ("张", "zhang"),
            ("陈", "chen"),
            ("欧阳", "ouyang"),
            ("赵", "zhao"),
            ("黄", "huang"),
            ("刘", "liu"),
        ],
    },
    Country {
        weight: 6,
        order: Order::FamilyGiven,
        given: &[("Hoa", "hoa"), ("Thị Mai", "thimai"), ("Đức", "duc"), ("Hương", "huong")],
        family: &[("Nguyễn", "nguyen"), ("Trần", "tran"), ("Phạm", "pham"), ("Lê", "le")],
    },
    Country {
        weight: 7,
        order: Order::GivenFamily,
        given: &[
            ("Łukasz", "lukasz"),
            ("Agnieszka", "agnieszka"),
            ("Šárka", "sarka"),
            ("Дмитрий", "dmitrij"),
            ("Gülşen", "gulsen"),
            ("İbrahim", "ibrahim"),
        ],
        family: &[
            ("Wiśniewski", "wisniewski"),
            ("Dvořák", "dvorak"),
            ("Иванов", "ivanov"),
            ("Yılmaz", "yilmaz"),
            ("Çelik", "celik"),
            ("Żółć", "zolc"),
        ],
    },
];
