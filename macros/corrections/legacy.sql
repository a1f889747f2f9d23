{# The columns of the hourly table as its readers have known it: name there, and what it is here. #}
{% macro legacy_columns() %}
    {%- set gone = 'cast(null as double)' -%}
    {%- set columns = [
        ('Time', 'bin_start'), ('number_of_mins', 'n_minutes'), ('events', 'n_events'),
        ('execution_date', 'cast(null as timestamp)'),
        ('hv_CurrentNeg', 'hv_current_neg_ua'), ('hv_CurrentPos', 'hv_current_pos_ua'),
        ('hv_HVneg', 'hv_neg_kv'), ('hv_HVpos', 'hv_pos_kv'),
        ('rates_Asserted', 'rate_asserted_hz'), ('rates_Edge', 'rate_edge_hz'), ('rates_Accepted', 'rate_accepted_hz'),
        ('rates_Multiplexer1', 'rate_tm0_hz'), ('rates_M2', 'rate_tm1_hz'), ('rates_M3', 'rate_tm2_hz'),
        ('rates_M4', 'rate_tm3_hz'),
        ('rates_CM1', 'rate_cm0_hz'), ('rates_CM2', 'rate_cm1_hz'), ('rates_CM3', 'rate_cm2_hz'),
        ('rates_CM4', 'rate_cm3_hz'),
        ('sensors_ext_Temperature_ext', 'temp_ext_degc'), ('sensors_ext_RH_ext', 'rh_ext_pct'),
        ('sensors_ext_Pressure_ext', 'pressure_ext_hpa'),
        ('sensors_int_Temperature_int', 'temp_int_degc'), ('sensors_int_RH_int', 'rh_int_pct'),
        ('sensors_int_Pressure_int', 'pressure_int_hpa'),
        ('odroid_DiskFill1', 'disk_1_fill_pct'), ('odroid_DiskFill2', 'disk_2_fill_pct'),
        ('odroid_DiskFillX', 'file_indicator'),
        ('flow_FlowRate1', 'flow_p1_au'), ('flow_FlowRate2', 'flow_p2_au'), ('flow_FlowRate3', 'flow_p3_au'),
        ('flow_FlowRate4', 'flow_p4_au'),
        ('temp_ground', 'temp_ground_k - 273.15'), ('temp_100mbar', 'temp_100hpa_k - 273.15'),
        ('height_100mbar', 'height_100hpa_m'),
        ('acc_1', 'acc_1'), ('acc_2', 'acc_2'), ('acc_3', 'acc_3'), ('acc_4', 'acc_4'),
        ('rate', 'rate_events_hz'), ('unc_rate', 'rate_events_sigma_hz'),
        ('hv_mean', 'hv_mean_kv'), ('current_mean', 'hv_current_mean_ua'),
    ] -%}
    {%- for k in [1, 3, 2, 4] -%}{%- do columns.append(('eff_sys_' ~ k, 'eff_' ~ k)) -%}{%- endfor -%}
    {%- for k in [1, 2, 3, 4] -%}{%- do columns.append(('eff_pre_roll_' ~ k, gone)) -%}{%- endfor -%}
    {%- for k in [1, 3, 2, 4] -%}{%- do columns.append(('eff_sys_' ~ k ~ '_denoised', gone)) -%}{%- endfor -%}
    {%- for k in [1, 2, 3, 4] -%}{%- do columns.append(('eff_' ~ k, 'eff_' ~ k)) -%}{%- endfor -%}
    {%- for k in [1, 2, 3, 4] -%}{%- do columns.append(('final_eff_' ~ k, 'eff_' ~ k)) -%}{%- endfor -%}
    {%- for k in [1, 2, 3, 4] -%}{%- do columns.append(('final_eff_' ~ k ~ '_decorrelated', gone)) -%}{%- endfor -%}
    {%- for k in [1, 2, 3, 4] -%}{%- do columns.append(('definitive_eff_' ~ k, 'eff_' ~ k)) -%}{%- endfor -%}
    {%- for k in [1, 2, 3, 4] -%}
        {%- do columns.extend([('eff_fit_' ~ k, gone), ('unc_eff_fit_' ~ k, gone)]) -%}
    {%- endfor -%}
    {%- for k in [1, 2, 3, 4] -%}
        {%- do columns.append(('unc_definitive_eff_' ~ k, 'eff_' ~ k ~ '_sigma')) -%}
    {%- endfor -%}
    {%- for k in [1, 2, 3, 4] -%}
        {%- do columns.extend([('relative_residual_unfiltered' ~ k, gone), ('relative_residual_' ~ k, gone)]) -%}
    {%- endfor -%}
    {%- for k in [1, 2, 3, 4] -%}{%- do columns.append(('definitive_eff_' ~ k ~ '_all', 'eff_' ~ k)) -%}{%- endfor -%}
    {%- do columns.append(('global_eff', 'eff_mean')) -%}
    {{ return(columns + [('pressure_lab', 'pressure_lab_hpa'), ('final_all', 'rate_final_hz')]) }}
{% endmacro %}
