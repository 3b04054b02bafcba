"""The demo: a real campaign over virtual weeks on the local stack, judged by what the mail server accepted."""
