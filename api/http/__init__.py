"""The API's routes: tracking, unsubscribe, webhooks, control, health."""
