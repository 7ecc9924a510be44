use super::*;

/// Words and their stems as NLTK 3.10.4 has them: each rule with a word that it changes, or one that it must not.
const STEMS: &str = "
    sky:sky skies:sky dying:die lying:lie tying:tie news:news innings:inning inning:inning outings:outing
    cannings:canning howe:howe proceed:proceed exceed:exceed succeed:succeed
    caresses:caress ponies:poni ties:tie dies:die flies:fli caress:caress cats:cat gas:ga this:thi ies:i sses:ss
    agreed:agre feed:feed need:need freed:freed bled:bled plastered:plaster sing:sing motoring:motor tried:tri
    died:die spied:spi conflated:conflat troubled:troubl sized:size hopping:hop tanned:tan falling:fall
    hissing:hiss fizzed:fizz failing:fail filing:file 1100ing:1100ing abc123ing:abc123 ssing:ssing
    happy:happi enjoy:enjoy spy:spi by:by 1y:1y yyyy:yyyi syzygy:syzygi
    relational:relat conditional:condit rational:ration valenci:valenc hesitanci:hesit digitizer:digit
    conformabli:conform radicalli:radic differentli:differ vileli:vile analogousli:analog vietnamization:vietnam
    predication:predic operator:oper feudalism:feudal decisiveness:decis hopefulness:hope callousness:callous
    formaliti:formal sensitiviti:sensit sensibiliti:sensibl relationalli:relat usefulli:use theologi:theolog
    geologi:geolog logi:logi philologi:philolog alli:alli
    triplicate:triplic formative:form formalize:formal electriciti:electr electrical:electr hopeful:hope
    goodness:good revival:reviv allowance:allow inference:infer airliner:airlin gyroscopic:gyroscop
    adjustable:adjust defensible:defens irritant:irrit replacement:replac adjustment:adjust dependent:depend
    adoption:adopt homologou:homolog communism:commun activate:activ angulariti:angular homologous:homolog
    effective:effect bowdlerize:bowdler religion:religion onion:onion
    probate:probat rate:rate cease:ceas controll:control roll:roll ae:ae ate:ate eye:eye owe:owe
    generalizations:gener oscillators:oscil 2nds:2nd 1990s:1990 x:x eed:eed ed:ed ing:ing";

#[test]
fn stems_are_nltks() {
    let mut stem = "before".to_owned();
    for (word, expected) in STEMS.split_whitespace().filter_map(|pair| pair.split_once(':')) {
        stem_into(word, &mut stem);
        assert_eq!(stem, expected, "{word}");
    }
}

#[test]
fn words_of_other_scripts_are_left_alone() {
    let mut stem = String::new();
    for word in ["", "naïves", "бежали", "日本s"] {
        stem_into(word, &mut stem);
        assert_eq!(stem, word);
    }
}

#[test]
fn consonants_are_by_position() {
    assert_eq!(consonants(b"toyyyz1").collect::<Vec<_>>(), [true, false, true, false, true, true, true]);
    assert_eq!(["tree", "trouble", "oaten", ""].map(|word| measure(word.as_bytes())), [0, 1, 2, 0]);
}
