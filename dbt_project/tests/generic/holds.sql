{#- Fails for every row for which `expression` is false; a row for which it is null passes. -#}
{% test holds(model, expression) %}
select * from {{ model }} where not ({{ expression }})
{% endtest %}
