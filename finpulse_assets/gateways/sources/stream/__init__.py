"""The source stream: texts and daily bars that come as messages of Kafka, and what is held."""
