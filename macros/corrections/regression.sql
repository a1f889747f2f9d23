{# Weighted regression of y on x, y = a_b + slope x, with a mean of its own for every block b. For a barometric
   coefficient y = ln r, x = pressure above the reference in hPa, block = calendar month, so that seasons, the solar cycle
   and slow drifts stay out.

   It needs no row twice: all of it follows from six sums over parts of the rows, which may be hours, days or clusters.
   A part lies in one block and one cluster. `line_sums` makes the sums from rows, `block_regression` the line from the
   sums. #}

{# The sums of a part: x, y and weight are expressions; a row whose y is NULL does not enter. An unweighted fit has the
   weight 1. #}
{% macro line_sums(x='x', y='y', weight='w') -%}
    {%- set w = 'case when ' ~ y ~ ' is not null then ' ~ weight ~ ' end' -%}
    count({{ y }}) as n_rows,
    {{ exact_sum(w) }} as sw,
    {{ exact_sum('(' ~ w ~ ') * ' ~ x) }} as sx,
    {{ exact_sum('(' ~ w ~ ') * ' ~ y) }} as sy,
    {{ exact_sum('(' ~ w ~ ') * ' ~ x ~ ' * ' ~ x) }} as sxx,
    {{ exact_sum('(' ~ w ~ ') * ' ~ x ~ ' * ' ~ y) }} as sxy,
    {{ exact_sum('(' ~ w ~ ') * ' ~ y ~ ' * ' ~ y) }} as syy
{%- endmacro %}

{% macro line_sum_columns() %}{{ return(['sw', 'sx', 'sy', 'sxx', 'sxy', 'syy']) }}{% endmacro %}

{# A query with one row for each combination of `target`, from a relation with the columns of `line_sums` for each part.

   relation  name of the CTE or table of sums
   target    list of the columns that name a fit; none of them NULL
   block     column (or constant) with a mean of its own for each value, inside a target
   cluster   column of the clusters whose residuals count as independent of each other; here periods of five days

   n_rows, n_blocks, n_clusters
   mean_x, mean_y      weighted means over the target
   slope               sum(w xc yc) / sum(w xc^2), xc and yc taken from the weighted means of their block; NULL where x
                       does not vary
   slope_sigma_stat    1 / sqrt(sum(w xc^2)), right where w is one over the variance of y
   chi2_ndf            sum(w residual^2) / (n_rows - n_blocks - 1)
   slope_sigma_scaled  slope_sigma_stat sqrt(max(1, chi2_ndf)) (Birge 1932, Phys. Rev. 40, 207)
   slope_sigma_cluster sqrt(sum_c(u_c^2) G / (G - 1)) / sum(w xc^2), u_c = sum(w xc residual) over cluster c, G
                       clusters: the sandwich estimator for residuals that are correlated inside clusters (Liang and
                       Zeger 1986, Biometrika 73, 13); NULL where G < 6
   slope_sigma         the larger of the last two
   r2                  sum(w xc yc)^2 / (sum(w xc^2) sum(w yc^2))

   Slopes are in units of y per unit of x. Sums are exact, so that a rerun gives the same bits. #}
{% macro block_regression(relation, target, block, cluster='cluster_id', min_clusters=6) -%}
    {%- set keys = target | join(', ') -%}
    with part as (
        select
            {{ keys }},
            {{ block }} as block,
            {{ cluster }} as cluster,
            n_rows,
            {{ line_sum_columns() | join(', ') }}
        from {{ relation }}
        where n_rows > 0
    ),

    block_mean as (
        select
            {{ keys }},
            block,
            sum({{ fixed('sx') }}) / sum({{ fixed('sw') }}) as mean_x,
            sum({{ fixed('sy') }}) / sum({{ fixed('sw') }}) as mean_y
        from part
        group by all
    ),

    centred as (
        select
            part.* exclude (sxx, sxy, syy),
            part.sxx - block_mean.mean_x * (2 * part.sx - block_mean.mean_x * part.sw) as sxx,
            part.sxy - block_mean.mean_x * part.sy - block_mean.mean_y * (part.sx - block_mean.mean_x * part.sw) as sxy,
            part.syy - block_mean.mean_y * (2 * part.sy - block_mean.mean_y * part.sw) as syy
        from part
        inner join block_mean using ({{ keys }}, block)
    ),

    line as (
        select
            {{ keys }},
            sum(n_rows) as n_rows,
            count(distinct block) as n_blocks,
            {{ exact_sum('sxx') }} as total_sxx,
            {{ exact_sum('sxy') }} as total_sxy,
            {{ exact_sum('syy') }} as total_syy,
            sum({{ fixed('sx') }}) / sum({{ fixed('sw') }}) as mean_x,
            sum({{ fixed('sy') }}) / sum({{ fixed('sw') }}) as mean_y,
            {# what rounding leaves of a constant x is no variance #}
            case when total_sxx > 1e-9 * {{ exact_sum('sw') }} then total_sxy / total_sxx end as slope
        from centred
        group by all
    ),

    cluster_sum as (
        select
            {{ keys }},
            cluster,
            {{ exact_sum('centred.sxy - line.slope * centred.sxx') }} as u
        from centred
        inner join line using ({{ keys }})
        group by all
    ),

    scatter as (
        select
            {{ keys }},
            count(*) as n_clusters,
            {{ exact_sum('u * u') }} as suu
        from cluster_sum
        group by all
    ),

    scaled as (
        select
            {{ keys }},
            line.n_rows,
            line.n_blocks,
            scatter.n_clusters,
            line.mean_x,
            line.mean_y,
            line.slope,
            case when line.slope is not null then 1 / sqrt(line.total_sxx) end as slope_sigma_stat,
            greatest(line.total_syy - line.slope * line.total_sxy, 0)
            / nullif(greatest(line.n_rows - line.n_blocks - 1, 0), 0) as chi2_ndf,
            slope_sigma_stat * sqrt(greatest(1, chi2_ndf)) as slope_sigma_scaled,
            case
                when scatter.n_clusters >= {{ min_clusters }} and line.slope is not null
                    then sqrt(scatter.suu * scatter.n_clusters / (scatter.n_clusters - 1)) / line.total_sxx
            end as slope_sigma_cluster,
            case when line.slope is not null then line.slope * line.total_sxy / nullif(line.total_syy, 0) end as r2
        from line
        inner join scatter using ({{ keys }})
    )

    select
        *,
        case when slope is not null then greatest(slope_sigma_scaled, slope_sigma_cluster) end as slope_sigma
    from scaled
{%- endmacro %}
