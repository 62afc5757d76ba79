using System.Text;

namespace Vernier.TestKit;

/// <summary>
/// Packs random matrices as other tools do, by the definitions of their formats and apart from the production code: the tensors, and what
/// they stand for.
/// </summary>
public sealed class ForeignPacker(int seed)
{
    private static readonly float[] s_fp4 = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];

    private readonly Random _random = new(seed);

    /// <summary>The tensors.</summary>
    public List<StoredTensor> Tensors { get; } = [];

    /// <summary>What they stand for: shape and values by name.</summary>
    public Dictionary<string, (long[] Shape, float[] Values)> Expected { get; } = [];

    /// <summary>GPTQ; the first version of the format stores zeros less 1.</summary>
    public void Gptq(string prefix, int outputs, int inputs, int bits, int group, bool first, bool permuted)
    {
        int groups = (inputs + group - 1) / group, most = 1 << bits;
        int[] groupOf = [.. Enumerable.Range(0, inputs).Select(i => i / group)];
        if (permuted)
            _random.Shuffle(groupOf);
        int[,] codes = Codes(inputs, outputs, most), zeros = Codes(groups, outputs, most);
        float[] scales = Halves(groups * outputs);
        int words = (inputs * bits + 31) / 32, zeroWords = (outputs * bits + 31) / 32;
        var packed = new int[words * outputs];
        var packedZeros = new int[groups * zeroWords];
        for (int o = 0; o < outputs; o++)
        {
            for (int i = 0; i < inputs; i++)
                Put(bit => (i * bits + bit) / 32 * outputs + o, i * bits, codes[i, o], bits, packed);
            for (int g = 0; g < groups; g++)
                Put(bit => g * zeroWords + (o * bits + bit) / 32, o * bits, first ? (zeros[g, o] + most - 1) % most : zeros[g, o], bits,
                    packedZeros);
        }
        Tensors.Add(StoredTensor.I32(prefix + ".qweight", [words, outputs], packed));
        Tensors.Add(StoredTensor.I32(prefix + ".qzeros", [groups, zeroWords], packedZeros));
        Tensors.Add(StoredTensor.F16(prefix + ".scales", [groups, outputs], scales));
        Tensors.Add(StoredTensor.I32(prefix + ".g_idx", [inputs], groupOf));
        Expect(prefix, outputs, inputs, (o, i) => scales[groupOf[i] * outputs + o] * (codes[i, o] - zeros[groupOf[i], o]));
    }

    /// <summary>AWQ for the matrix product.</summary>
    public void Awq(string prefix, int outputs, int inputs, int group)
    {
        int[] order = [0, 2, 4, 6, 1, 3, 5, 7];
        int groups = (inputs + group - 1) / group;
        int[,] codes = Codes(inputs, outputs, 16), zeros = Codes(groups, outputs, 16);
        float[] scales = Halves(groups * outputs);
        Tensors.Add(StoredTensor.I32(prefix + ".qweight", [inputs, outputs / 8], Words(codes)));
        Tensors.Add(StoredTensor.I32(prefix + ".qzeros", [groups, outputs / 8], Words(zeros)));
        Tensors.Add(StoredTensor.F16(prefix + ".scales", [groups, outputs], scales));
        Expect(prefix, outputs, inputs, (o, i) => (codes[i, o] - zeros[i / group, o]) * scales[i / group * outputs + o]);

        int[] Words(int[,] values)
        {
            var words = new int[values.GetLength(0) * (outputs / 8)];
            for (int row = 0; row < values.GetLength(0); row++)
            {
                for (int column = 0; column < outputs / 8; column++)
                {
                    for (int i = 0; i < 8; i++)
                        words[row * (outputs / 8) + column] |= values[row, 8 * column + order[i]] << 4 * i;
                }
            }
            return words;
        }
    }

    /// <summary>bitsandbytes, 8 bits.</summary>
    public void Int8(string prefix, int outputs, int inputs)
    {
        byte[] codes = Bytes(outputs * inputs);
        float[] scales = Halves(outputs);
        Tensors.Add(new StoredTensor(prefix + ".weight", "I8", [outputs, inputs], codes));
        Tensors.Add(StoredTensor.F32(prefix + ".SCB", [outputs], scales));
        Tensors.Add(new StoredTensor(prefix + ".weight_format", "U8", [], [0]));
        Expect(prefix, outputs, inputs, (o, i) => (sbyte)codes[o * inputs + i] * scales[o] * 7.874015718698502e-3f);
    }

    /// <summary>bitsandbytes, 4 bits: the first code in the upper half.</summary>
    public void Nf4(string prefix, int outputs, int inputs, int block, int nestedBlock)
    {
        int count = outputs * inputs, blocks = (count + block - 1) / block;
        string name = prefix + ".weight";
        byte[] codes = Bytes((count + 1) / 2), magnitudes = Bytes(blocks);
        float[] map = Halves(16), absmax = Halves(blocks), nestedMap = Halves(256), nested = Halves(blocks);
        string more = nestedBlock == 0 ? ""
            : $", \"nested_blocksize\": {nestedBlock}, \"nested_dtype\": \"float32\", \"nested_offset\": 0.125";
        byte[] state = Encoding.UTF8.GetBytes(
            $$"""{"quant_type": "nf4", "blocksize": {{block}}, "dtype": "float16", "shape": [{{outputs}}, {{inputs}}]{{more}}}""");
        Tensors.Add(new StoredTensor(name, "U8", [codes.Length, 1], codes));
        Tensors.Add(StoredTensor.F32(name + ".quant_map", [16], map));
        Tensors.Add(new StoredTensor(name + ".quant_state.bitsandbytes__nf4", "U8", [state.Length], state));
        if (nestedBlock == 0)
            Tensors.Add(StoredTensor.F32(name + ".absmax", [blocks], absmax));
        else
        {
            int nestedBlocks = (blocks + nestedBlock - 1) / nestedBlock;
            Tensors.Add(new StoredTensor(name + ".absmax", "U8", [blocks], magnitudes));
            Tensors.Add(StoredTensor.F32(name + ".nested_absmax", [nestedBlocks], nested[..nestedBlocks]));
            Tensors.Add(StoredTensor.F32(name + ".nested_quant_map", [256], nestedMap));
            for (int b = 0; b < blocks; b++)
                absmax[b] = nestedMap[magnitudes[b]] * nested[b / nestedBlock] + 0.125f;
        }
        Expect(prefix, outputs, inputs, (o, i) => map[codes[(o * inputs + i) / 2] >> ((o * inputs + i) % 2 == 0 ? 4 : 0) & 15]
            * absmax[(o * inputs + i) / block]);
    }

    /// <summary>compressed-tensors, codes in words.</summary>
    public void Packed(string prefix, int outputs, int inputs, int bits, int group, bool asymmetric, bool permuted)
    {
        int perWord = 32 / bits, half = 1 << bits - 1, groups = (inputs + group - 1) / group, words = (inputs + perWord - 1) / perWord,
            zeroWords = (outputs + perWord - 1) / perWord;
        int[] groupOf = [.. Enumerable.Range(0, inputs).Select(i => i / group)];
        if (permuted)
            _random.Shuffle(groupOf);
        int[,] codes = Codes(outputs, inputs, 2 * half), zeros = Codes(outputs, groups, 2 * half);
        float[] scales = Halves(outputs * groups);
        int[] packed = new int[outputs * words], packedZeros = new int[zeroWords * groups];
        for (int o = 0; o < outputs; o++)
        {
            for (int i = 0; i < inputs; i++)
                packed[o * words + i / perWord] |= codes[o, i] << bits * (i % perWord);
            for (int g = 0; g < groups; g++)
                packedZeros[o / perWord * groups + g] |= zeros[o, g] << bits * (o % perWord);
        }
        Tensors.Add(StoredTensor.I32(prefix + ".weight_packed", [outputs, words], packed));
        Tensors.Add(StoredTensor.F16(prefix + ".weight_scale", [outputs, groups], scales));
        Tensors.Add(new StoredTensor(prefix + ".weight_shape", "I64", [2],
            [.. BitConverter.GetBytes((long)outputs), .. BitConverter.GetBytes((long)inputs)]));
        if (asymmetric)
            Tensors.Add(StoredTensor.I32(prefix + ".weight_zero_point", [zeroWords, groups], packedZeros));
        if (permuted)
            Tensors.Add(StoredTensor.I32(prefix + ".weight_g_idx", [inputs], groupOf));
        Expect(prefix, outputs, inputs, (o, i) =>
            (codes[o, i] - (asymmetric ? zeros[o, groupOf[i]] : half)) * scales[o * groups + groupOf[i]]);
    }

    /// <summary>compressed-tensors, bytes: whole numbers, or floats of 8 bits where there is no zero.</summary>
    public void Whole(string prefix, int outputs, int inputs, int groups, bool asymmetric, bool floats = false)
    {
        byte[] codes = floats ? [.. Bytes(outputs * inputs).Select(code => (byte)(code & 0xBF))] : Bytes(outputs * inputs);
        byte[] zeros = Bytes(outputs * groups);
        float[] scales = Halves(outputs * groups);
        int group = inputs / groups;
        Tensors.Add(new StoredTensor(prefix + ".weight", floats ? "F8_E4M3" : "I8", [outputs, inputs], codes));
        Tensors.Add(StoredTensor.F32(prefix + ".weight_scale", [outputs, groups], scales));
        if (asymmetric)
            Tensors.Add(new StoredTensor(prefix + ".weight_zero_point", "I8", [outputs, groups], zeros));
        Expect(prefix, outputs, inputs, (o, i) =>
        {
            int scale = o * groups + i / group;
            return (floats ? E4M3(codes[o * inputs + i]) : (sbyte)codes[o * inputs + i] - (asymmetric ? (sbyte)zeros[scale] : 0))
                * scales[scale];
        });
    }

    /// <summary>NVFP4 of compressed-tensors.</summary>
    public void NvFp4(string prefix, int outputs, int inputs)
    {
        byte[] codes = Bytes(outputs * inputs / 2), scales = [.. Bytes(outputs * inputs / 16).Select(code => (byte)(code & 0x3F))];
        Tensors.Add(new StoredTensor(prefix + ".weight_packed", "U8", [outputs, inputs / 2], codes));
        Tensors.Add(new StoredTensor(prefix + ".weight_scale", "F8_E4M3", [outputs, inputs / 16], scales));
        Tensors.Add(StoredTensor.F32(prefix + ".weight_global_scale", [1], [3.5f]));
        Expect(prefix, outputs, inputs, (o, i) =>
            s_fp4[codes[(o * inputs + i) / 2] >> (i % 2 == 0 ? 0 : 4) & 15] * (E4M3(scales[(o * inputs + i) / 16]) / 3.5f));
    }

    /// <summary>MXFP4 of gpt-oss: experts, the lower half of a byte first.</summary>
    public void Mxfp4(string prefix, string part, int experts, int outputs, int groups)
    {
        byte[] codes = Bytes(experts * outputs * groups * 16),
            scales = [.. Bytes(experts * outputs * groups).Select(code => (byte)(100 + code % 50))];
        Tensors.Add(new StoredTensor($"{prefix}.{part}_blocks", "U8", [experts, outputs, groups, 16], codes));
        Tensors.Add(new StoredTensor($"{prefix}.{part}_scales", "U8", [experts, outputs, groups], scales));
        for (int e = 0; e < experts; e++)
        {
            int expert = e;
            Expect($"{prefix}.{e}.{part}", outputs, 32 * groups, (o, i) =>
            {
                int at = ((expert * outputs + o) * groups + i / 32) * 16 + i % 32 / 2;
                return s_fp4[codes[at] >> (i % 2 == 0 ? 0 : 4) & 15] * (float)Math.Pow(2, scales[at / 16] - 127);
            });
        }
    }

    /// <summary>BitNet: row r of quarter k in bits 2 k of row r of bytes.</summary>
    public void BitNet(string prefix, int outputs, int inputs, bool divides)
    {
        int[,] codes = Codes(outputs, inputs, 3);
        float scale = Halves(1)[0];
        int lines = outputs / 4;
        var packed = new byte[lines * inputs];
        for (int o = 0; o < outputs; o++)
        {
            for (int i = 0; i < inputs; i++)
                packed[o % lines * inputs + i] |= (byte)(codes[o, i] << 2 * (o / lines));
        }
        Tensors.Add(new StoredTensor(prefix + ".weight", "U8", [lines, inputs], packed));
        Tensors.Add(StoredTensor.F32(prefix + ".weight_scale", [1], [scale]));
        Expect(prefix, outputs, inputs, (o, i) => (codes[o, i] - 1) * (divides ? 1 / scale : scale));
    }

    // The bits of a value one by one: bit b in the word that place says, at its bit of the stream.
    private static void Put(Func<int, int> place, int first, int value, int bits, int[] words)
    {
        for (int bit = 0; bit < bits; bit++)
            words[place(bit)] |= (value >> bit & 1) << (first + bit) % 32;
    }

    private static float E4M3(byte code)
    {
        int exponent = code >> 3 & 15, mantissa = code & 7;
        double magnitude = exponent == 0 ? mantissa * Math.Pow(2, -9) : (8 + mantissa) * Math.Pow(2, exponent - 10);
        return (float)(code < 128 ? magnitude : -magnitude);
    }

    private void Expect(string prefix, int outputs, int inputs, Func<int, int, float> value)
    {
        var values = new float[outputs * inputs];
        for (int o = 0; o < outputs; o++)
        {
            for (int i = 0; i < inputs; i++)
                values[o * inputs + i] = value(o, i);
        }
        Expected[prefix + ".weight"] = ([outputs, inputs], values);
    }

    private int[,] Codes(int rows, int columns, int most)
    {
        var codes = new int[rows, columns];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
                codes[row, column] = _random.Next(most);
        }
        return codes;
    }

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    // Numbers that half precision holds.
    private float[] Halves(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(Half)(0.001 + 0.05 * _random.NextDouble()))];
}
