"""What moved between two profiles of the same steps, such as before and after fine-tuning."""
