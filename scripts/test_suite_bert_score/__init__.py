"""The tests of bert_score on `nearsay.bert_score`."""
