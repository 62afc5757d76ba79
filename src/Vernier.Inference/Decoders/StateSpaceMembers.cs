using Vernier.Inference.Configuration;

namespace Vernier.Inference.Decoders;

/// <summary>Members of the config.json of state spaces that change nothing of what is computed.</summary>
internal static class StateSpaceMembers
{
    // How weights are drawn before training, in what pieces kernels work, and what is kept in which precision.
    private static readonly string[] s_harmless =
    [
        "rescale_prenorm_residual", "residual_in_fp32", "time_step_floor", "time_step_init_scheme", "time_step_max", "time_step_min",
        "time_step_scale", "use_associative_scan", "use_mambapy", "chunk_size", "mamba_chunk_size", "fused_add_norm", "rms_norm",
        "ssm_cfg", "pad_vocab_size_multiple", "use_mamba_kernels", "mamba_ssm_cache_dtype", "num_logits_to_keep", "z_loss_coefficient",
        "d_inner", "d_model", "n_layer",
    ];

    /// <summary>Notes that they were seen.</summary>
    public static void Note(ConfigObject root)
    {
        foreach (string member in s_harmless)
            root.Has(member);
    }
}
